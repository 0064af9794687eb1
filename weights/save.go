package weights

import "github.com/infer-go/infer/internal/replace"

// Save writes the file of a Net that passes Check to path. It writes and
// syncs a temporary file beside it, then renames that: whenever it is
// interrupted, path holds the old file or the new one, whole.
//
// If path is a symbolic link its target is replaced, or the link itself if it
// leads nowhere. The permissions are those of a new file, whatever the old
// one had. A device or a pipe is not replaced but written to.
//
// Errors name the path. They are those of Check, or wrap what package os says,
// such as fs.ErrNotExist.
func Save(path string, n *Net) error {
	data, err := Marshal(n)
	if err != nil {
		return inFile(path, err)
	}
	return replace.Write(path, data)
}
