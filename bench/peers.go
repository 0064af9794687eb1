package main

/*
#cgo LDFLAGS: -lopenblas
#include <cblas.h>
void openblas_set_num_threads(int);
*/
import "C"

import (
	"fmt"
	"os/exec"
	"strconv"
	"strings"

	ort "github.com/yalue/onnxruntime_go"
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"
)

// onnxRuntime is a session of ONNX Runtime with one thread and its inputs and
// outputs bound once.
type onnxRuntime struct {
	session *ort.AdvancedSession
	inputs  [][]float32
	outputs [][]float32
}

// newONNXRuntime makes a session of a model that is given as bytes.
func newONNXRuntime(model []byte, batch, threads int) (*onnxRuntime, error) {
	ins, outs, err := ort.GetInputOutputInfoWithONNXData(model)
	if err != nil {
		return nil, err
	}
	o, err := ort.NewSessionOptions()
	if err != nil {
		return nil, err
	}
	defer o.Destroy()
	if err := o.SetIntraOpNumThreads(threads); err != nil {
		return nil, err
	}
	if err := o.SetInterOpNumThreads(1); err != nil {
		return nil, err
	}
	r := &onnxRuntime{}
	bind := func(infos []ort.InputOutputInfo, data *[][]float32) (names []string, values []ort.Value, err error) {
		for _, info := range infos {
			shape := info.Dimensions.Clone()
			for i, d := range shape {
				if d < 1 {
					if i > 0 {
						return nil, nil, fmt.Errorf("%s has shape %v", info.Name, info.Dimensions)
					}
					shape[i] = int64(batch)
				}
			}
			t, err := ort.NewEmptyTensor[float32](shape)
			if err != nil {
				return nil, nil, err
			}
			names, values = append(names, info.Name), append(values, t)
			*data = append(*data, t.GetData())
		}
		return names, values, nil
	}
	inNames, inValues, err := bind(ins, &r.inputs)
	if err != nil {
		return nil, err
	}
	outNames, outValues, err := bind(outs, &r.outputs)
	if err != nil {
		return nil, err
	}
	r.session, err = ort.NewAdvancedSessionWithONNXData(model, inNames, outNames, inValues, outValues, o)
	return r, err
}

func (r *onnxRuntime) run() {
	if err := r.session.Run(); err != nil {
		panic(err)
	}
}

// openBLAS computes C = A·B, all row-major, A m×k, B k×n, on one thread.
func openBLAS(m, n, k int, a, b, c []float32) {
	C.cblas_sgemm(C.CblasRowMajor, C.CblasNoTrans, C.CblasNoTrans, C.int(m), C.int(n), C.int(k),
		1, (*C.float)(&a[0]), C.int(k), (*C.float)(&b[0]), C.int(n), 0, (*C.float)(&c[0]), C.int(n))
}

func singleThreadedBLAS() { C.openblas_set_num_threads(1) }

// gonum computes the same in pure Go.
func gonum(m, n, k int, a, b, c []float32) {
	general := func(rows, cols int, data []float32) blas32.General {
		return blas32.General{Rows: rows, Cols: cols, Stride: cols, Data: data}
	}
	blas32.Gemm(blas.NoTrans, blas.NoTrans, 1, general(m, k, a), general(k, n, b), 0, general(m, n, c))
}

// torch times a digit net in PyTorch, in nanoseconds; false if there is none,
// or if it cannot run the net.
func torch(path string, batch int) (float64, bool) {
	for _, python := range []string{"python3", "/usr/bin/python3"} {
		out, err := exec.Command(python, "torch_reference.py", path, strconv.Itoa(batch)).Output()
		if err != nil {
			continue
		}
		ns, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
		return ns, err == nil
	}
	return 0, false
}
