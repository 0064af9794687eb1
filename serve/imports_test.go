package serve

import (
	"os/exec"
	"strings"
	"testing"
)

// A service that imports this package gets no other modules than one that
// imports package engine.
func TestImports(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{.Path}}{{end}}", ".").Output()
	if err != nil {
		t.Skip("there is no go command here: ", err)
	}
	for module := range strings.FieldsSeq(string(out)) {
		switch module {
		case "github.com/infer-go/infer", "github.com/klauspost/cpuid/v2", "golang.org/x/sys":
		default:
			t.Errorf("it depends on %s", module)
		}
	}
}
