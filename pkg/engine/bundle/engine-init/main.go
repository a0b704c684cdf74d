//go:build linux

// Command engine-init is process 1 of the PID namespace in which pulpimg runs its buildkitd. It makes the engine end when pulpimg ends,
// however that happens: when process 1 of a PID namespace exits, the kernel kills all other processes in it (pid_namespaces(7)), those of
// build containers included. A signal to buildkitd could not do that.
//
//	engine-init [-userns] -users FILE [-runtime-dir DIR] [-remove DIR] COMMAND [ARG...]
//	engine-init [-userns] -remove-all PATH...
//	engine-init [-userns] -usage DIR
//
// With -userns, it is also the first process of a user namespace. It begins by waiting for a byte on descriptor 4, which shows that the IDs of
// the namespace are mapped; from then on it is root there. With -remove-all, it removes files, and with -usage, it prints how many bytes they take on
// disk; files of other users of the namespace are included in both.
//
// Each pulpimg that uses the engine shares a lock on the file USERS, which the kernel releases when that pulpimg exits or is killed. When
// nobody shares the lock any more, engine-init gets it alone. Then it ends COMMAND, all other processes in the namespace, and itself; a pulpimg
// that comes meanwhile waits for the lock, and starts another engine. Descriptor 3, if it is given, is pulpimg's lock on the engine's
// directory. engine-init holds it too, so that the lock is free only when nothing uses the directory.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pulpimg/pulpimg/internal/cachedir"
)

// grace is how long COMMAND may take to end after SIGTERM.
const grace = 3 * time.Second

// The numbers of the inherited files (exec.Cmd.ExtraFiles).
const (
	lockFD   = 3
	mappedFD = 4
)

// Exit codes that package engine knows.
const (
	noMounts = 71 // EX_OSERR: this process has no right to mount anything
	noProc   = 72 // EX_OSFILE: it may not mount /proc
)

// options are those of the command line.
type options struct {
	userns     bool
	removeAll  bool
	usage      bool
	users      string
	runtimeDir string
	remove     string
}

func main() {
	var o options
	flag.BoolVar(&o.userns, "userns", false, "wait until the IDs of this user namespace are mapped")
	flag.BoolVar(&o.removeAll, "remove-all", false, "remove files, and run nothing")
	flag.BoolVar(&o.usage, "usage", false, "measure what a directory takes on disk, and run nothing")
	flag.StringVar(&o.users, "users", "", "the `file` whose lock the users of the engine share")
	flag.StringVar(&o.runtimeDir, "runtime-dir", "", "a `directory` for the sockets and records of what runs, instead of those in /run")
	flag.StringVar(&o.remove, "remove", "", "a `directory` to remove at the end")
	flag.Parse()
	code, err := run(o, flag.Args())
	if o.remove != "" {
		if o.runtimeDir != "" {
			_ = syscall.Unmount(o.runtimeDir, syscall.MNT_DETACH) // it was mounted there, if this process came so far
		}
		err = errors.Join(err, os.RemoveAll(o.remove))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "engine-init:", err)
	}
	os.Exit(code)
}

func run(o options, args []string) (int, error) {
	if os.Getpid() != 1 || len(args) == 0 {
		return 64, errors.New("engine-init is a part of pulpimg, which starts it")
	}
	if o.userns {
		return 1, awaitMapping()
	}
	syscall.CloseOnExec(lockFD)
	if o.removeAll || o.usage {
		go endWithCaller()
	}
	switch {
	case o.removeAll:
		return removeAll(args)
	case o.usage:
		return usage(args[0])
	}
	if code, err := mounts(o.runtimeDir); err != nil {
		return code, err
	}
	users, err := os.OpenFile(o.users, os.O_RDWR, 0)
	if err != nil {
		return 1, err
	}
	return runCommand(users, args)
}

// awaitMapping waits until the IDs of the user namespace are mapped, and executes this program again without -userns: a process gets the
// rights of root only when it executes a program as root (capabilities(7)).
func awaitMapping() error {
	mapped := os.NewFile(mappedFD, "mapped")
	if _, err := io.ReadFull(mapped, make([]byte, 1)); err != nil {
		return fmt.Errorf("waiting for the IDs of the user namespace: %w", err)
	}
	if err := mapped.Close(); err != nil {
		return err
	}
	args := slices.DeleteFunc(slices.Clone(os.Args), func(arg string) bool { return arg == "-userns" })
	return fmt.Errorf("executing engine-init again: %w", syscall.Exec("/proc/self/exe", args, os.Environ()))
}

// endWithCaller ends this process when its standard input does: a pipe whose other end pulpimg holds.
func endWithCaller() {
	_, _ = io.Copy(io.Discard, os.Stdin) // however it ends
	os.Exit(1)
}

func removeAll(paths []string) (int, error) {
	var errs []error
	for _, path := range paths {
		errs = append(errs, os.RemoveAll(path))
	}
	if err := errors.Join(errs...); err != nil {
		return 1, err
	}
	return 0, nil
}

func usage(dir string) (int, error) {
	bytes, err := cachedir.Usage(context.Background(), dir)
	if err != nil {
		return 1, err
	}
	fmt.Println(bytes)
	return 0, nil
}

// runCommand starts a command, and returns its exit code when this process is the last one in the namespace.
func runCommand(users *os.File, argv []string) (int, error) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		return 1, err
	}
	defer null.Close()
	pid, err := syscall.ForkExec(argv[0], argv, &syscall.ProcAttr{
		Env:   os.Environ(),
		Files: []uintptr{null.Fd(), os.Stdout.Fd(), os.Stderr.Fd()},
	})
	if err != nil {
		return 1, fmt.Errorf("starting %s: %w", argv[0], err)
	}
	exited := make(chan syscall.WaitStatus, 1)
	empty := make(chan struct{})
	go reap(pid, exited, empty)

	status, forced := supervise(users, pid, exited)
	// -1 stands for all processes that this one may signal, which are those of the namespace.
	syscall.Kill(-1, syscall.SIGKILL)
	<-empty
	if forced {
		return 1, fmt.Errorf("%s did not end within %s and was killed", argv[0], grace)
	}
	return exitCode(status), nil
}

// supervise waits until the command has exited. When the engine has no users left, it tells the command to end, and waits no longer than
// grace.
func supervise(users *os.File, pid int, exited <-chan syscall.WaitStatus) (status syscall.WaitStatus, forced bool) {
	unused := make(chan struct{})
	go func() {
		awaitAlone(users)
		close(unused)
	}()
	select {
	case status = <-exited:
		return status, false
	case <-unused:
	}
	syscall.Kill(pid, syscall.SIGTERM)
	select {
	case status = <-exited:
		return status, false
	case <-time.After(grace):
		return 0, true
	}
}

// awaitAlone waits until this process has the lock of a file alone. An error that is no interruption counts as having it: an engine that
// nobody can end would be worse than one that ends too early.
func awaitAlone(file *os.File) {
	for {
		all := unix.Flock_t{Type: unix.F_WRLCK}
		if err := unix.FcntlFlock(file.Fd(), unix.F_OFD_SETLKW, &all); err != syscall.EINTR {
			return
		}
	}
}

// reap waits for all processes that end, orphans of build containers included, as process 1 must. It sends the status of pid to exited, and
// closes empty when there is no child left.
func reap(pid int, exited chan<- syscall.WaitStatus, empty chan<- struct{}) {
	defer close(empty)
	for {
		var status syscall.WaitStatus
		got, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case err == syscall.EINTR:
		case err != nil: // ECHILD
			return
		case got == pid:
			exited <- status
		}
	}
}

// exitCode returns the exit code as shells do: for a command that a signal ended, 128 plus the number of the signal.
func exitCode(status syscall.WaitStatus) int {
	if status.Signaled() {
		return 128 + int(status.Signal())
	}
	return status.ExitStatus()
}
