package weights

import "github.com/infer-go/infer/internal/replace"

// Save writes the file of a Net, which must pass Check, to path. It writes a
// temporary file beside path, syncs it and renames it: at whatever moment it
// is interrupted, path is the whole old file or the whole new one.
//
// If path is a symbolic link, its target is replaced, or the link itself if
// its target does not exist. The permissions are those of a new file,
// whatever the old one had. A device or a pipe is written to, not replaced.
//
// Errors name the path. They are those of Check, or wrap those of package
// os, such as fs.ErrNotExist.
func Save(path string, n *Net) error {
	data, err := Marshal(n)
	if err != nil {
		return inFile(path, err)
	}
	return replace.Write(path, data)
}
