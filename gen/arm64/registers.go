package arm64

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mmcloughlin/avo/operand"

	"github.com/infer-go/infer/gen/uses"
)

// A gp is a general register by its number.
type gp int

// Asm is the register's name. R16 and R17 belong to the linker, R18 to the
// operating system, R27 to the assembler, R28 holds g, R29 and R30 are the
// frame and the link.
func (r gp) Asm() string {
	if !slices.Contains(generals, r) {
		panic(fmt.Sprintf("R%d is not to be used", int(r)))
	}
	return fmt.Sprintf("R%d", int(r))
}

// A vec is a vector register by its number.
type vec int

// Asm is the register's name as a scalar or a whole: F0, of which the
// instruction says how much it means.
func (v vec) Asm() string { return fmt.Sprintf("F%d", v.number()) }

// number is the register's number, checked: 32 would silently name another
// instruction.
func (v vec) number() uint32 {
	if v < 0 || v > 31 {
		panic(fmt.Sprintf("there is no register V%d", int(v)))
	}
	return uint32(v)
}

// as is the register with an arrangement of lanes: V0.S4.
func (v vec) as(arrangement string) operand.Op {
	return text(fmt.Sprintf("V%d.%s", v.number(), arrangement))
}

// lane is one lane of the register: V0.S[1].
func (v vec) lane(size string, i int) operand.Op {
	return text(fmt.Sprintf("V%d.%s[%d]", v.number(), size, i))
}

// text is an operand as the assembler reads it.
type text string

func (t text) Asm() string { return string(t) }

// generals and vectors are the registers that kernels may use, in the order
// in which they are taken. Go's assembly functions save none of them.
var (
	generals = []gp{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 19, 20, 21, 22, 23, 24, 25, 26}
	vectors  = func() (vs []vec) {
		for i := range vec(32) {
			vs = append(vs, i)
		}
		return vs
	}()
)

// A bank hands out the registers of one kind and remembers what for.
type bank[R gp | vec] struct {
	kind string // "R" or "V"
	all  []R
	free []R
	uses uses.Map[R]
}

func newBank[R gp | vec](kind string, all []R) *bank[R] {
	return &bank[R]{kind: kind, all: all, free: slices.Clone(all), uses: uses.Map[R]{}}
}

// take hands out the first free register.
func (k *bank[R]) take(use string) R {
	if len(k.free) == 0 {
		panic(fmt.Sprintf("no %s register is left for %s; they hold %s", k.kind, use, strings.Join(k.list(), "; ")))
	}
	r := k.free[0]
	k.free = k.free[1:]
	k.note(r, use)
	return r
}

// takeAll hands out n registers.
func (k *bank[R]) takeAll(n int, use string) []R {
	rs := make([]R, n)
	for i := range rs {
		rs[i] = k.take(use)
	}
	return rs
}

// note says that a register is used for something else from here on.
func (k *bank[R]) note(r R, use string) { k.uses.Note(r, use) }

// release takes registers back.
func (k *bank[R]) release(rs ...R) {
	k.free = slices.Clone(k.free) // a scope may hold the old list
	for _, r := range rs {
		i, found := slices.BinarySearch(k.free, r)
		if found {
			panic(fmt.Sprintf("%s%d is released twice", k.kind, int(r)))
		}
		k.free = slices.Insert(k.free, i, r)
	}
}

// hold marks registers as taken that a scope has given back: results that
// outlive it.
func (k *bank[R]) hold(rs []R) {
	k.free = slices.DeleteFunc(slices.Clone(k.free), func(r R) bool { return slices.Contains(rs, r) })
}

// list is the register map.
func (k *bank[R]) list() []string { return k.uses.List(k.kind, k.all) }
