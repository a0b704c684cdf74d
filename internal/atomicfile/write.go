package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// prefix is how the names of files begin that are being written. Shells and most tools do not list them.
const prefix = ".new-"

// Write makes data the content of the file, which then has the given permissions. Its directory must be there.
// Errors are those of package os.
func Write(name string, data []byte, perm fs.FileMode) (err error) {
	tmp, err := os.CreateTemp(filepath.Dir(name), prefix+"*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(tmp.Name()))
		}
	}()
	_, err = tmp.Write(data)
	if err = errors.Join(err, tmp.Chmod(perm), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), name)
}
