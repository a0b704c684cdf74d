package inlab

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"reflect"
	"runtime"
	"syscall"
)

// A Lab is where the lab's servers are. The tags are the names that test/lab gives to the values.
type Lab struct {
	Registry     string `env:"LAB_REGISTRY"`
	AuthRegistry string `env:"LAB_AUTH_REGISTRY"`
	AuthUser     string `env:"LAB_AUTH_USER"`
	AuthPassword string `env:"LAB_AUTH_PASSWORD"`
	RepoURL      string `env:"LAB_REPO_URL"`
	Policy       string `env:"LAB_POLICY"` // file with a source policy that leads the specs to the lab
	Vault        string `env:"LAB_VAULT"`
	EPEL         string `env:"LAB_EPEL"`
	EPELKey      string `env:"LAB_EPEL_KEY"`
	MongoDB      string `env:"LAB_MONGODB"`
	AuthMongoDB  string `env:"LAB_AUTH_MONGODB"`
	AMQP         string `env:"LAB_AMQP"`
	Control      string `env:"LAB_CONTROL"`
}

// Find returns the lab that this process was started in.
func Find() (Lab, error) {
	var l Lab
	value := reflect.ValueOf(&l).Elem()
	for i := range value.NumField() {
		name := value.Type().Field(i).Tag.Get("env")
		text := os.Getenv(name)
		if text == "" {
			return Lab{}, fmt.Errorf("there is no lab, or one without services: %s is not set; use bin/lab run --services -- COMMAND", name)
		}
		value.Field(i).SetString(text)
	}
	return l, nil
}

// Vars returns the values as NAME=VALUE.
func (l Lab) Vars() []string {
	var out []string
	value := reflect.ValueOf(l)
	for i := range value.NumField() {
		out = append(out, value.Type().Field(i).Tag.Get("env")+"="+value.Field(i).String())
	}
	return out
}

// againVar is set when this program has started itself in a lab, so that it does not do so for ever.
const againVar = "PULPIMG_TEST_IN_LAB"

// Main does the work of a program, TestMain for example, in a lab: in the one that the program was started in, or by running the program
// again in a lab of its own. Then the process ends with the exit code that work returns.
func Main(name string, work func(Lab) (code int, err error)) {
	code, err := enter(work)
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		code = 1
	}
	os.Exit(code)
}

func enter(work func(Lab) (int, error)) (code int, err error) {
	l, err := Find()
	if err == nil {
		return work(l)
	}
	if os.Getenv(againVar) != "" {
		return 0, err
	}
	program, err := made("bin/lab")
	if err != nil {
		return 0, err
	}
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	// The kernel sends Pdeathsig when the thread that started the child ends.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	again := exec.Command(program, append([]string{"run", "--services", "--", self}, os.Args[1:]...)...)
	again.Env = append(os.Environ(), againVar+"=1")
	again.Stdout, again.Stderr = os.Stdout, os.Stderr
	again.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	err = again.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode(), nil
	}
	return 0, err
}
