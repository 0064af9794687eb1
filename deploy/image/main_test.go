package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

// TestImage builds the image twice: it is the same, it is sound, and what another
// program unpacks of it runs as nobody in a root of its own.
func TestImage(t *testing.T) {
	source := filepath.Join("..", "..")
	var digests []string
	out := filepath.Join(t.TempDir(), "image")
	for _, path := range []string{out, out + "2"} {
		digest, err := build(path, source, []string{runtime.GOARCH})
		if err != nil {
			t.Fatal(err)
		}
		digests = append(digests, digest.String())
	}
	if digests[0] != digests[1] {
		t.Errorf("the digests are %q", digests)
	}
	index, err := layout.ImageIndexFromPath(out)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(index); err != nil {
		t.Error(err)
	}
	if _, err := build(out, source, nil); err == nil {
		t.Error("an image is overwritten")
	}
	// A planted error: a bit of a blob.
	blobs, err := filepath.Glob(filepath.Join(out+"2", "blobs", "sha256", "*"))
	if err != nil || len(blobs) != 3 {
		t.Fatalf("%q, %v", blobs, err)
	}
	for _, blob := range blobs {
		data, err := os.ReadFile(blob)
		if err != nil {
			t.Fatal(err)
		}
		data[len(data)/2] ^= 1
		if err := os.WriteFile(blob, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if broken, err := layout.ImageIndexFromPath(out + "2"); err == nil && validate.Index(broken) == nil {
		t.Error("a damaged image is sound")
	}

	umoci, err := exec.LookPath("umoci")
	if err != nil || os.Getuid() != 0 {
		if os.Getenv("CI") == "true" {
			t.Fatal("umoci, and to be root, is needed: ", err)
		}
		t.Skip("umoci, and to be root, is needed: ", err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	// umoci finds images by their tag.
	path, err := layout.FromPath(out)
	if err != nil {
		t.Fatal(err)
	}
	img, err := path.Image(manifest.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	if err := path.ReplaceImage(img, func(d v1.Descriptor) bool { return d.Digest == manifest.Manifests[0].Digest },
		layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": "latest"})); err != nil {
		t.Fatal(err)
	}
	bundle := filepath.Join(t.TempDir(), "bundle")
	if text, err := exec.Command(umoci, "unpack", "--image", out+":latest", bundle).CombinedOutput(); err != nil {
		t.Fatalf("umoci: %v, %s", err, text)
	}
	text, err := exec.Command("chroot", "--userspec="+user, filepath.Join(bundle, "rootfs"), "/infer", "version").CombinedOutput()
	if err != nil || !strings.HasPrefix(string(text), "infer ") {
		t.Errorf("in the image: %v, %s", err, text)
	}
}
