package e2e

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
)

// A lab is where the lab's servers are, by the names that test/lab gives them.
type lab struct {
	Registry     string `json:"LAB_REGISTRY"`
	AuthRegistry string `json:"LAB_AUTH_REGISTRY"`
	AuthUser     string `json:"LAB_AUTH_USER"`
	AuthPassword string `json:"LAB_AUTH_PASSWORD"`
	RepoURL      string `json:"LAB_REPO_URL"`
	Policy       string `json:"LAB_POLICY"`
	Vault        string `json:"LAB_VAULT"`
	EPEL         string `json:"LAB_EPEL"`
	EPELKey      string `json:"LAB_EPEL_KEY"`
	MongoDB      string `json:"LAB_MONGODB"`
	AuthMongoDB  string `json:"LAB_AUTH_MONGODB"`
	AMQP         string `json:"LAB_AMQP"`
	Control      string `json:"LAB_CONTROL"`
}

// vars returns the values as NAME=VALUE.
func (l lab) vars() []string {
	var out []string
	value := reflect.ValueOf(l)
	for i := range value.NumField() {
		out = append(out, value.Type().Field(i).Tag.Get("json")+"="+value.Field(i).String())
	}
	return out
}

// labFromEnviron returns the lab that the tests were started in, if they were.
func labFromEnviron() (l lab, ok bool) {
	value := reflect.ValueOf(&l).Elem()
	for i := range value.NumField() {
		text := os.Getenv(value.Type().Field(i).Tag.Get("json"))
		if text == "" {
			return lab{}, false
		}
		value.Field(i).SetString(text)
	}
	return l, true
}

// A runningLab is a lab that the tests may have to end.
type runningLab struct {
	lab
	process *exec.Cmd // nil when the lab is not ours
	hold    io.Closer // the lab ends when this is closed
}

func startLab(root, dir string) (*runningLab, error) {
	if l, ok := labFromEnviron(); ok {
		return &runningLab{lab: l}, nil
	}
	program := filepath.Join(dir, "bin", "lab")
	if err := tool(filepath.Join(root, "test", "lab"), "go", "build", "-o", program, "."); err != nil {
		return nil, err
	}
	cmd := exec.Command(program, "serve", "--services")
	cmd.Stderr = os.Stderr
	hold, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	running := &runningLab{process: cmd, hold: hold}
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &running.lab)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("starting the lab: %w", err), running.stop())
	}
	return running, nil
}

func (r *runningLab) stop() error {
	if r.process == nil {
		return nil
	}
	if err := errors.Join(r.hold.Close(), r.process.Wait()); err != nil {
		return fmt.Errorf("ending the lab: %w", err)
	}
	return nil
}
