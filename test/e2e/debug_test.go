package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/containerd/console"
	"golang.org/x/sys/unix"
)

// A session is a pulpimg that a person runs in a terminal.
type session struct {
	*process
	terminal console.Console
	screen   *locked // all that the terminal has shown
	shown    chan struct{}
}

// startInTerminal starts pulpimg in a terminal of its own.
func (p program) startInTerminal(t *testing.T, args ...string) *session {
	t.Helper()
	terminal, name, err := console.NewPty()
	if err != nil {
		t.Fatal(err)
	}
	inside, err := os.OpenFile(name, os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer inside.Close()
	s := &session{process: &process{cmd: exec.Command(filepath.Join(env.bin, "pulpimg"), args...)}, terminal: terminal, screen: &locked{}, shown: make(chan struct{})}
	s.resize(t, 40, 120)
	s.cmd.Env = append(p.environ(), "TERM=xterm")
	s.cmd.Stdin, s.cmd.Stdout, s.cmd.Stderr = inside, inside, inside
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(s.shown)
		buffer := make([]byte, 4096)
		for {
			n, err := terminal.Read(buffer)
			_, _ = s.screen.Write(buffer[:n])
			if err != nil {
				return // with the last process that has the terminal, it is gone
			}
		}
	}()
	t.Cleanup(func() {
		_ = s.cmd.Process.Kill()
		<-s.shown
		_ = terminal.Close()
		if t.Failed() {
			t.Logf("the terminal has shown:\n%s", s.screen)
		}
	})
	return s
}

func (s *session) resize(t *testing.T, rows, columns uint16) {
	t.Helper()
	if err := s.terminal.Resize(console.WinSize{Height: rows, Width: columns}); err != nil {
		t.Fatal(err)
	}
}

// state returns how the terminal treats what is typed.
func (s *session) state(t *testing.T) unix.Termios {
	t.Helper()
	state, err := unix.IoctlGetTermios(int(s.terminal.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return *state
}

func (s *session) types(t *testing.T, keys string) {
	t.Helper()
	if _, err := s.terminal.Write([]byte(keys)); err != nil {
		t.Fatal(err)
	}
}

// sees waits until the terminal has shown something.
func (s *session) sees(t *testing.T, pattern string) {
	t.Helper()
	expression := regexp.MustCompile(pattern)
	eventually(t, "the terminal shows "+pattern, func() bool { return expression.MatchString(s.screen.String()) })
}

// ends waits for the end and returns the exit code.
func (s *session) ends(t *testing.T) int {
	t.Helper()
	<-s.shown
	return s.wait(t).code
}

const failingSpec = `
version: 1
name: failing
registry: docker.io/lab
tag: "1"
images:
  base:
    from: docker.io/library/fedora:20
    env: { GREETING: hello-env }
    steps:
      - run: |
          echo left-behind > /left
          echo last words; exit 3
      - files: { from: hello, to: /hello }
  empty:
    from: scratch
    steps:
      - files: { from: hello, to: /hello }
      - run: { command: [/hello] }
  fetching:
    from: scratch
    steps:
      - repo: { url: "http://127.0.0.1:1/nothing.repo", to: /r }
`

func debugArgs(t *testing.T, image string) []string {
	t.Helper()
	return []string{"build", "--debug", image, "-f", specFile(t, failingSpec, filesOfSpec), "--source-policy", env.lab.Policy, "--registry", registry(t)}
}

// Debug opens a shell where a step failed.
func TestDebug(t *testing.T) {
	p := warm()
	s := p.startInTerminal(t, debugArgs(t, "base")...)
	s.sees(t, `(?s)pulpimg.yaml:11:9:.* exit code: 3\r\n.*echo left-behind.*\| last words\r\npulpimg: a shell where \[base 1/2\] run .* failed, in / as root; exit ends the build\r\n.*# $`)
	s.types(t, "cat /left; echo $GREETING-$TERM $(id -un):$(pwd)\r")
	s.sees(t, `\nleft-behind\r\nhello-env-xterm root:/\r\n`)
	s.types(t, "stty size\r")
	s.sees(t, `40 120\r\n`) // what was typed before the prompt came is shown before it, and this after it
	s.resize(t, 51, 101)
	s.types(t, "while [ \"$(stty size)\" != '51 101' ]; do sleep 0.1; done; echo re''sized\r")
	s.sees(t, `resized\r\n`)
	// Ctrl-C is for what runs in the shell, and for nobody else.
	s.types(t, "sleep 86405.25; echo by $?\r")
	eventually(t, "sleep runs", func() bool { return len(processes("sleep 86405.25")) > 0 })
	s.types(t, "\x03")
	eventually(t, "Ctrl-C has ended sleep", func() bool { return len(processes("sleep 86405.25")) == 0 })
	s.types(t, "echo still''here\r")
	s.sees(t, `stillhere\r\n`)
	s.types(t, "exit 42\r")
	if code := s.ends(t); code != 1 {
		t.Errorf("exit code %d, want the build's own, 1", code)
	}
	if n := strings.Count(s.screen.String(), "pulpimg.yaml:11:9:"); n != 1 {
		t.Errorf("the failure is told %d times, want once", n)
	}
	nothingRuns(t, p.cache)
}

// A signal ends a debug shell and restores the terminal.
func TestDebug_signal(t *testing.T) {
	p := warm()
	s := p.startInTerminal(t, debugArgs(t, "base")...)
	before := s.state(t)
	s.sees(t, `a shell where .* failed`)
	eventually(t, "the terminal is raw", func() bool { return s.state(t) != before })
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := s.ends(t); code != 143 {
		t.Errorf("exit code %d, want 143", code)
	}
	if after := s.state(t); after != before {
		t.Errorf("the terminal is left as %+v, want %+v", after, before)
	}
	nothingRuns(t, p.cache)
}

// Debug says why there is no shell.
func TestDebug_noShell(t *testing.T) {
	env.lanes.warm.enter(t)
	for _, c := range []struct{ image, want string }{
		{"empty", `(?s)\[empty 2/2\] run /hello: .*pulpimg: --debug: the image has no /bin/sh to look at it from the inside\r\n`},
		{"fetching", `(?s)\[fetching 1/1\] repo .*connection refused.*pulpimg: --debug: what failed is no command in an image`},
	} {
		t.Run(c.image, func(t *testing.T) {
			p := warm()
			s := p.startInTerminal(t, debugArgs(t, c.image)...)
			s.sees(t, c.want)
			if code := s.ends(t); code != 1 {
				t.Errorf("exit code %d, want 1", code)
			}
			nothingRuns(t, p.cache)
		})
	}
}

func TestDebug_noTerminal(t *testing.T) {
	env.lanes.warm.enter(t)
	warm().run(t, debugArgs(t, "base")...).fails(t, 64, `^pulpimg: --debug opens a shell .* needs a terminal`)
}

// The command that a failed build names is one that a shell reads as it was meant.
func TestBuild_suggestsDebug(t *testing.T) {
	env.lanes.warm.enter(t)
	p := warm()
	args := debugArgs(t, "base")
	file := filepath.Join(filepath.Dir(args[4]), "a spec's.yaml")
	if err := os.Rename(args[4], file); err != nil {
		t.Fatal(err)
	}
	args[4] = file
	out := p.run(t, append(append([]string{"build"}, args[2:]...), "--push", "--progress", "quiet")...)
	out.fails(t, 1, `to look deeper: `)
	_, command, _ := strings.Cut(out.stderr, "to look deeper: ")
	command, _, _ = strings.Cut(command, "\n")
	if strings.Contains(command, "--push") {
		t.Errorf("to look deeper is to publish: %s", command)
	}
	words, err := exec.CommandContext(t.Context(), "/bin/sh", "-c", "printf '%s\\n' "+command).Output()
	if err != nil {
		t.Fatal(err)
	}
	want := append([]string{filepath.Join(env.bin, "pulpimg")}, "build", "--debug", "base", "-f", file, "--registry", args[8], "--source-policy", env.lab.Policy)
	if got := strings.TrimSuffix(string(words), "\n"); got != strings.Join(want, "\n") {
		t.Errorf("the command is\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
}

// Output has colours if it goes to a terminal whose user allows them.
func TestBuild_colours(t *testing.T) {
	env.lanes.warm.enter(t)
	spec := specFile(t, strings.ReplaceAll(failingSpec, "version: 1", "version: one"), nil)
	for _, c := range []struct {
		name    string
		p       program
		colours bool
	}{
		{"a terminal", warm(), true},
		{"a terminal with NO_COLOR", warm().with("NO_COLOR=1"), false},
		{"a terminal with an empty NO_COLOR", warm().with("NO_COLOR="), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := c.p.startInTerminal(t, "validate", spec)
			if code := s.ends(t); code != 65 {
				t.Errorf("exit code %d, want 65", code)
			}
			if got := strings.Contains(s.screen.String(), "\x1b["); got != c.colours {
				t.Errorf("colours: %v, want %v", got, c.colours)
			}
		})
	}
	out := warm().run(t, "validate", spec)
	out.fails(t, 65, `(?m)^1 mistake in `)
	if strings.Contains(out.stderr, "\x1b") {
		t.Errorf("colours go where no terminal is:\n%s", out.stderr)
	}
}

// Debug opens a shell on a remote engine, with the secrets of the step.
func TestDebug_remoteEngine(t *testing.T) {
	env.lanes.warm.enter(t)
	spec := specFile(t, `
version: 1
name: secretive
registry: docker.io/lab
tag: "1"
images:
  base:
    from: docker.io/library/fedora:20
    steps: [ { run: { script: exit 3, secrets: [token] } } ]
`, map[string]string{"token": "for-your-eyes"})
	s := warm().startInTerminal(t, "build", "--debug", "-f", spec, "--source-policy", env.lab.Policy, "--registry", registry(t),
		"--engine", startEngine(t), "--secret", "id=token,src="+filepath.Join(filepath.Dir(spec), "token"))
	s.sees(t, `a shell where \[base 1/1\] run exit 3 failed.*\r\n.*# $`)
	s.types(t, "echo \"<$(cat /run/secrets/token)>\"\r")
	s.sees(t, `<for-your-eyes>\r\n`)
	s.types(t, "exit\r") // an engine may lose what a shell says right before its end
	if code := s.ends(t); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
}
