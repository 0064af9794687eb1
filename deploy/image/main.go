// The command image builds infer's OCI image without a daemon: one static program
// on nothing, for each architecture. Of the same source and the same Go it has the
// same digest, wherever and whenever it is built.
//
//	go -C deploy run ./image -o /tmp/infer.oci
//	skopeo copy oci:/tmp/infer.oci docker://registry.example/infer:0.1.0
package main

import (
	"archive/tar"
	"bytes"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

func main() {
	log.SetFlags(0)
	out := flag.String("o", "", "write the image into `FOLDER`, an OCI layout; it must not exist")
	source := flag.String("source", "..", "the repository's `FOLDER`")
	architectures := flag.String("arch", "amd64,arm64", "`LIST` of architectures, GOARCH")
	flag.Parse()
	if *out == "" || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	digest, err := build(*out, *source, strings.Split(*architectures, ","))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(digest)
}

// build writes the image and returns the digest of its index.
func build(out, source string, architectures []string) (v1.Hash, error) {
	if _, err := os.Lstat(out); err == nil {
		return v1.Hash{}, fmt.Errorf("%s: it exists already", out)
	}
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, arch := range architectures {
		program, err := compile(source, arch)
		if err != nil {
			return v1.Hash{}, err
		}
		img, err := imageOf(program, arch)
		if err != nil {
			return v1.Hash{}, err
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add:        img,
			Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: arch}},
		})
	}
	if _, err := layout.Write(out, index); err != nil {
		return v1.Hash{}, err
	}
	return index.Digest()
}

// compile makes the program, without anything in it that tells where or when.
func compile(source, arch string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "infer-image")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "infer")
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w -buildid=", "-o", file, "./cmd/infer")
	cmd.Dir = source
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch, "GOFLAGS=", "GOAMD64=v1", "GOARM64=v8.0", "GOWORK=off")
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("go build for %s: %w", arch, err)
	}
	return os.ReadFile(file)
}

// user is that of distroless images: nobody in particular, and not root.
const user = "65532:65532"

// imageOf is an image with the program as its only file.
func imageOf(program []byte, arch string) (v1.Image, error) {
	var files bytes.Buffer
	w := tar.NewWriter(&files)
	head := &tar.Header{Name: "infer", Typeflag: tar.TypeReg, Mode: 0o755, Size: int64(len(program)), ModTime: time.Unix(0, 0), Format: tar.FormatUSTAR}
	if err := w.WriteHeader(head); err != nil {
		return nil, err
	}
	if _, err := w.Write(program); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(files.Bytes())), nil
	}, tarball.WithMediaType(types.OCILayer), tarball.WithCompressionLevel(9))
	if err != nil {
		return nil, err
	}
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	if img, err = mutate.AppendLayers(img, layer); err != nil {
		return nil, err
	}
	config, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture = "linux", arch
	config.Created = v1.Time{Time: time.Unix(0, 0).UTC()}
	config.Config = v1.Config{
		User:         user,
		Entrypoint:   []string{"/infer"},
		Cmd:          []string{"serve"},
		ExposedPorts: map[string]struct{}{"8080/tcp": {}, "9091/tcp": {}},
		Labels: map[string]string{
			"org.opencontainers.image.title":    "infer",
			"org.opencontainers.image.licenses": "Apache-2.0",
		},
	}
	return mutate.ConfigFile(img, config)
}
