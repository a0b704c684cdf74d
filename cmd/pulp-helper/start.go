//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"

	"github.com/pulpimg/pulpimg/pkg/startup/contract"
	"github.com/pulpimg/pulpimg/pkg/startup/process"
	"github.com/pulpimg/pulpimg/pkg/startup/startscript"
)

// debugVariable makes a start print each line of the script before it runs.
const debugVariable = "PULPIMG_DEBUG"

// A start is a container that starts.
type start struct {
	program
	script startscript.Script
	file   string // of the script
	env    *process.Environment
	words  contract.Environment // for the words of commands
}

// start runs a start script line by line. Arguments after the script are appended to the command.
func (p program) start(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return failf(exitUsage, "start: name the start script\n%s", usage)
	}
	s, err := p.newStart(args[0])
	if err != nil {
		return err
	}
	var missing []error // everything that is missing is reported at once
	for i, stage := range s.script.Stages {
		s.trace(stage)
		if stage.Kind.Requires() {
			missing = append(missing, s.require(stage))
			if i+1 < len(s.script.Stages) && s.script.Stages[i+1].Kind.Requires() {
				continue
			}
			err = errors.Join(missing...)
		} else {
			err = s.run(ctx, stage)
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			return err
		}
	}
	s.trace(s.script.Become)
	return s.become(ctx, args[1:])
}

func (p program) newStart(file string) (*start, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading the start script: %w", err)
	}
	script, err := startscript.Parse(file, data)
	if err != nil {
		return nil, err
	}
	return p.ofScript(script, file)
}

// ofScript returns the start that a script describes. What the contract declares is in its environment.
func (p program) ofScript(script startscript.Script, file string) (*start, error) {
	c, err := contract.Read(p.contract)
	if err != nil {
		return nil, err
	}
	s := &start{program: p, script: script, file: file, env: process.Environ()}
	if err := s.complete(c); err != nil {
		return nil, err
	}
	s.words = contract.NewEnvironment(c, s.getenv)
	return s, nil
}

// complete adds to the environment what is not set: the contract's defaults and the user's variables, which a default may name. The
// defaults are also set in this process, for the stages that it runs itself.
func (s *start) complete(c contract.Contract) error {
	ofUser := process.NewEnvironment(s.env.List())
	if err := ofUser.ForUser(s.script.Become.User); err != nil {
		return err
	}
	s.getenv = s.env.Get
	s.setenv = func(name, value string) error {
		s.env.Set(name, value)
		return os.Setenv(name, value)
	}
	if err := s.addDefaults(c, ofUser.Get); err != nil {
		return err
	}
	return s.env.ForUser(s.script.Become.User)
}

// trace prints a line of the script before its variables are expanded, so that it shows no secret.
func (s *start) trace(line fmt.Stringer) {
	if s.env.Get(debugVariable) != "" {
		fmt.Fprintf(s.stderr, "+ %s\n", line)
	}
}

// require reports what is missing.
func (s *start) require(stage startscript.Stage) error {
	what := stage.Args[0]
	problem := ""
	switch stage.Kind {
	case startscript.RequireSocket:
		info, err := os.Stat(what)
		if err != nil || info.Mode()&fs.ModeSocket == 0 {
			problem = fmt.Sprintf("%s is not a socket: mount the one of the host (-v %s:%s)", what, what, what)
		}
	case startscript.RequireFile:
		if _, err := os.Stat(what); err != nil {
			problem = what + " is missing: mount it"
		}
	case startscript.RequireVariable:
		if s.env.Get(what) == "" {
			problem = (&contract.MissingError{Variable: what}).Error()
		}
	}
	if problem == "" {
		return nil
	}
	return fmt.Errorf("%s: %s", s.name(), problem)
}

// name is how messages call what starts.
func (s *start) name() string {
	if s.script.Image == "" {
		return s.file
	}
	return s.script.Image
}

// run runs a stage that takes time.
func (s *start) run(ctx context.Context, stage startscript.Stage) error {
	var err error
	switch stage.Kind {
	case startscript.Configure:
		err = s.config(ctx, stage.Args)
	case startscript.Wait:
		err = s.wait(ctx, stage.Args, func() (*start, error) { return s, nil })
	default:
		return s.init(ctx, stage)
	}
	var coded *exitError
	if errors.As(err, &coded) && coded.code == exitUsage { // the command line comes from the script
		return &startscript.Error{File: s.file, Line: stage.Line, Problem: firstLine(err.Error())}
	}
	return err
}

// init runs a command and waits for its end. If the child cannot be signalled, this process ends: if it is the container's first one, the
// kernel then kills the child.
func (s *start) init(ctx context.Context, stage startscript.Stage) error {
	command, err := s.expand(stage.Args)
	if err != nil {
		return err
	}
	code, err := runChild(ctx, s.asUser(command), s.env.List(), func() { os.Exit(s.interrupted(ctx)) })
	switch {
	case err != nil:
		return fmt.Errorf("%s:%d: running %s: %w", s.file, stage.Line, command[0], err)
	case code != 0 && ctx.Err() == nil:
		return failf(code, "%s: init %s ended with the exit code %d", s.name(), command[0], code)
	}
	return nil
}

// asUser returns the words of a child that runs this program first, which becomes the command in the same way as start does.
func (s *start) asUser(command []string) []string {
	self, err := os.Executable()
	if err != nil {
		self = startscript.Helper
	}
	words := append([]string{self, "exec", "--exact-environment"}, s.script.Become.Options()...)
	return append(append(words, "--"), command...)
}

func (s *start) become(ctx context.Context, more []string) error {
	command, err := s.expand(s.script.Become.Command)
	if err != nil {
		return err
	}
	b := s.script.Become
	p := process.Process{User: b.User, Dir: b.Workdir, Umask: -1, Command: append(command, more...), Env: s.env.List()}
	if b.Umask != "" {
		if p.Umask, err = parseUmask(b.Umask); err != nil {
			return err
		}
	}
	return s.program.become(ctx, p)
}

// expand puts the variables into the words of a command.
func (s *start) expand(list []string) ([]string, error) {
	out := make([]string, len(list))
	for i, word := range list {
		value, err := s.words.Expand(word)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.name(), err)
		}
		out[i] = value.Text
	}
	return out, nil
}

func parseUmask(text string) (int, error) {
	const octal, bits = 8, 9
	mask, err := strconv.ParseUint(text, octal, bits)
	if err != nil {
		return 0, fmt.Errorf("%q is no umask", text)
	}
	return int(mask), nil
}
