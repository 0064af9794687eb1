// Package documents holds the tests of the project's documents: that links lead
// somewhere, and that commands do what is said of them.
package documents

import (
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
)

const root = "../.."

// documents lists the project's documents, from its root.
func documents(t *testing.T) (paths []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || d.Name() == ".git" || d.Name() == ".peers" || d.Name() == "testdata"):
			return filepath.SkipDir
		case filepath.Ext(path) == ".md":
			paths = append(paths, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(paths) < 10 {
		t.Fatalf("there are only %d documents", len(paths))
	}
	return paths
}

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ +(.*)$`)
	fenced  = regexp.MustCompile("(?ms)^```.*?^```$")
	inline  = regexp.MustCompile("`[^`\n]*`")
)

// anchors are the names by which GitHub lets headings be linked to.
func anchors(document string) map[string]bool {
	names := map[string]bool{}
	for _, m := range heading.FindAllStringSubmatch(fenced.ReplaceAllString(document, ""), -1) {
		name := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
				return unicode.ToLower(r)
			}
			return -1
		}, m[1])
		names[name] = true
	}
	return names
}

// TestLinks follows every link of every document to a file, and to a heading in
// it. Links to other sites are not followed, but have to be well formed.
func TestLinks(t *testing.T) {
	count := 0
	for _, path := range documents(t) {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		text := inline.ReplaceAllString(fenced.ReplaceAllString(string(data), ""), "")
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			count++
			u, err := url.Parse(m[1])
			if err != nil {
				t.Errorf("%s: %v", path, err)
				continue
			}
			if u.Scheme != "" {
				if u.Scheme != "https" || u.Host == "" {
					t.Errorf("%s: %s is not an address", path, m[1])
				}
				continue
			}
			target := path
			if u.Path != "" {
				target = filepath.Join(filepath.Dir(path), filepath.FromSlash(u.Path))
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s: the link to %s leads nowhere", path, m[1])
				continue
			}
			if u.Fragment == "" {
				continue
			}
			data, err := os.ReadFile(target)
			if err != nil {
				t.Errorf("%s: %v", path, err)
				continue
			}
			if !anchors(string(data))[u.Fragment] {
				t.Errorf("%s: %s has no heading #%s", path, target, u.Fragment)
			}
		}
	}
	if count < 20 {
		t.Errorf("only %d links were found", count)
	}
}
