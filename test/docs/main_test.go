package docs

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"github.com/pulpimg/pulpimg/test/inlab"
)

const root = "../.."

// env is what the tests that run commands share.
var env struct {
	lab     inlab.Lab
	program string // the path of pulpimg
}

func TestMain(m *testing.M) {
	inlab.Main("docs", func(l inlab.Lab) (code int, err error) {
		env.lab = l
		if env.program, err = inlab.Program(); err != nil {
			return 0, err
		}
		return m.Run(), nil
	})
}

// writePolicy writes the lab's source policy with one more base: what the tutorial starts from, which has a Python like the lab's.
func writePolicy(file string) error {
	data, err := os.ReadFile(env.lab.Policy)
	if err != nil {
		return err
	}
	var policy map[string]any
	if err := json.Unmarshal(data, &policy); err != nil {
		return err
	}
	rules, ok := policy["rules"].([]any)
	if !ok {
		return fmt.Errorf("%s has no rules", env.lab.Policy)
	}
	policy["rules"] = append([]any{map[string]any{
		"action":   "CONVERT",
		"selector": map[string]any{"identifier": `^docker-image://docker\.io/library/python:3\.12-slim(@.+)?$`, "match_type": "REGEX"},
		"updates":  map[string]any{"identifier": "docker-image://" + env.lab.Registry + "/fedora:20${1}"},
	}}, rules...)
	if data, err = json.Marshal(policy); err != nil {
		return err
	}
	return os.WriteFile(file, data, 0o644)
}
