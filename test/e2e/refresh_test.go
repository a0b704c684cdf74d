package e2e

import (
	"crypto/sha256"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// age gives all commands of which pulpimg has a record another age: a time such as 169h, or unknown. With lost, there are no records.
func age(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: age DURATION|unknown|lost")
	}
	var ran time.Time
	if args[0] != "unknown" && args[0] != "lost" {
		d, err := time.ParseDuration(args[0])
		ts.Check(err)
		ran = time.Now().Add(-d)
	}
	commands := 0
	ts.Check(filepath.WalkDir(ts.Getenv("XDG_CACHE_HOME"), func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasPrefix(filepath.Base(filepath.Dir(name)), "records.v") {
			return err
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		var record map[string]any
		if err := json.Unmarshal(data[sha256.Size:], &record); err != nil {
			return err
		}
		if record["network"] != true {
			return nil
		}
		commands++
		if args[0] == "lost" {
			return os.Remove(name)
		}
		record["ran"] = ran.UTC()
		content, err := json.Marshal(record)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(content)
		return os.WriteFile(name, append(sum[:], content...), 0o600) // in place: it stays that of its owner
	}))
	if commands == 0 {
		ts.Fatalf("there are no records of commands that used the network")
	}
}
