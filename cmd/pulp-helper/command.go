//go:build linux

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/pulpimg/pulpimg/pkg/startup/command"
	"github.com/pulpimg/pulpimg/pkg/startup/contract"
	"github.com/pulpimg/pulpimg/pkg/startup/service"
	"github.com/pulpimg/pulpimg/pkg/startup/startscript"
)

// asStart returns the start of this image, for a command that runs as a start of it would run it. In an image without a start script,
// it runs as who asks.
func (p program) asStart() (*start, error) {
	s, err := p.newStart(p.script)
	if errors.Is(err, fs.ErrNotExist) {
		return p.ofScript(startscript.Script{}, p.script)
	}
	return s, err
}

// longestShown is how much of a command messages show, in characters.
const longestShown = 80

// command returns a service that is a command.
func (s *start) command(c contract.Contract, declared contract.Service) (awaited, error) {
	a := awaited{declared: declared}
	words, shown := make([]string, len(declared.Command)), make([]string, len(declared.Command))
	for i, word := range declared.Command {
		value, err := s.words.Expand(word)
		if err != nil {
			return a, fmt.Errorf("%s: %w", declared.Name, err)
		}
		words[i], shown[i] = value.Text, value.Shown
	}
	text := []rune(strings.Join(strings.Fields(strings.Join(shown, " ")), " ")) // in one line
	if len(text) > longestShown {
		text = append(text[:longestShown], []rune("...")...)
	}
	var all []string // what the command finds in its environment
	for _, v := range c.Environment {
		all = append(all, v.Name)
	}
	a.service = command.Command{
		Args: s.asUser(words), Env: s.env.List(), Shown: string(text), Hide: service.Hider(secretsOf(c, s.words, all)...),
	}
	return a, nil
}

// outputOf returns what a command printed at last, which belongs behind the error about it.
func outputOf(err error) string {
	var failure *command.Failure
	switch {
	case !errors.As(err, &failure):
		return ""
	case failure.Output == "":
		return "; it printed nothing"
	}
	return "; it printed:\n  " + strings.ReplaceAll(failure.Output, "\n", "\n  ")
}
