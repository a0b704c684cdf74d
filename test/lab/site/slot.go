package site

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
)

// slot is the folder of one of the labs that run at the same time. The first
// one is 0; it is the same again at the next run, ports and registry included,
// so that build caches, which depend on the ports, stay valid.
type slot struct {
	number int
	dir    string
	lock   *fileLock
}

// takeSlot returns the first slot that no running lab has.
func (c cache) takeSlot() (slot, error) {
	for number := 0; ; number++ {
		dir := c.path("run", strconv.Itoa(number))
		lock, err := tryLockFile(filepath.Join(dir, "lock"))
		switch {
		case err == nil:
			return slot{number, dir, lock}, nil
		case !errors.Is(err, errLocked):
			return slot{}, err
		}
	}
}

func (s slot) path(name string) string { return filepath.Join(s.dir, name) }

// ports are the ports of a lab's servers.
type ports struct {
	Registry     int `json:"registry"`
	AuthRegistry int `json:"authRegistry"`
	Mirror       int `json:"mirror"`
}

// suggestedPorts are below Linux's range for outgoing connections, so that they
// are likely to be free.
func (s slot) suggestedPorts() ports {
	first := 24100 + 10*s.number
	return ports{Registry: first, AuthRegistry: first + 1, Mirror: first + 2}
}

// listeners are the open ports of a lab's servers.
type listeners struct{ registry, authRegistry, mirror net.Listener }

// listen opens the slot's ports on 127.0.0.1: those of its last run, or, where
// one of them is busy, another one. It remembers them for the next run.
func (s slot) listen() (listeners, error) {
	wanted := s.suggestedPorts()
	text, err := os.ReadFile(s.path("ports.json"))
	if err == nil {
		err = json.Unmarshal(text, &wanted)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return listeners{}, fmt.Errorf("reading the lab's ports: %w", err)
	}
	var l listeners
	var used ports
	for _, server := range []struct {
		wanted   int
		used     *int
		listener *net.Listener
	}{
		{wanted.Registry, &used.Registry, &l.registry},
		{wanted.AuthRegistry, &used.AuthRegistry, &l.authRegistry},
		{wanted.Mirror, &used.Mirror, &l.mirror},
	} {
		if *server.listener, err = listenNear(server.wanted); err != nil {
			return listeners{}, errors.Join(err, l.Close())
		}
		*server.used = (*server.listener).Addr().(*net.TCPAddr).Port
	}
	if text, err = json.Marshal(used); err == nil {
		err = os.WriteFile(s.path("ports.json"), text, 0o644)
	}
	if err != nil {
		return listeners{}, errors.Join(fmt.Errorf("remembering the lab's ports: %w", err), l.Close())
	}
	return l, nil
}

// listenNear opens the port on 127.0.0.1 or, if it is busy, any other.
func listenNear(port int) (net.Listener, error) {
	l, err := net.Listen("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return net.Listen("tcp4", "127.0.0.1:0")
	}
	return l, nil
}

// Close closes those that are open.
func (l listeners) Close() error {
	var errs []error
	for _, listener := range []net.Listener{l.registry, l.authRegistry, l.mirror} {
		if listener != nil {
			errs = append(errs, listener.Close())
		}
	}
	return errors.Join(errs...)
}
