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

	Control      int `json:"control"`
	MongoDB      int `json:"mongodb"`
	AuthMongoDB  int `json:"authMongodb"`
	AMQP         int `json:"amqp"`
	Distribution int `json:"distribution"`
	EPMD         int `json:"epmd"`
}

// suggestedPorts are below Linux's range for outgoing connections, so that they
// are likely to be free.
func (s slot) suggestedPorts() ports {
	first := 24100 + 10*s.number
	return ports{
		Registry: first, AuthRegistry: first + 1, Mirror: first + 2,
		Control: first + 3, MongoDB: first + 4, AuthMongoDB: first + 5,
		AMQP: first + 6, Distribution: first + 7, EPMD: first + 8,
	}
}

// listeners are the open ports of a lab's servers.
type listeners struct{ registry, authRegistry, mirror net.Listener }

// listen opens the slot's ports on 127.0.0.1: those of its last run, or, where
// one of them is busy, another one. It remembers them for the next run.
func (s slot) listen() (listeners, error) {
	p, err := s.lastPorts()
	if err != nil {
		return listeners{}, err
	}
	var l listeners
	for _, server := range []struct {
		port     *int
		listener *net.Listener
	}{
		{&p.Registry, &l.registry},
		{&p.AuthRegistry, &l.authRegistry},
		{&p.Mirror, &l.mirror},
	} {
		if *server.listener, err = listenNear(server.port); err != nil {
			return listeners{}, errors.Join(err, l.Close())
		}
	}
	if err := s.rememberPorts(p); err != nil {
		return listeners{}, errors.Join(err, l.Close())
	}
	return l, nil
}

// reserve finds free ports for the servers that open theirs themselves, and
// opens the one for their control. They may be taken before they are used, but
// nobody else is likely to want these.
func (s slot) reserve() (control net.Listener, p ports, err error) {
	if p, err = s.lastPorts(); err != nil {
		return nil, ports{}, err
	}
	// All of them are open at once, so that no two are the same.
	for _, port := range []*int{&p.MongoDB, &p.AuthMongoDB, &p.AMQP, &p.Distribution, &p.EPMD} {
		l, err := listenNear(port)
		if err != nil {
			return nil, ports{}, err
		}
		defer l.Close()
	}
	if control, err = listenNear(&p.Control); err != nil {
		return nil, ports{}, err
	}
	if err := s.rememberPorts(p); err != nil {
		return nil, ports{}, errors.Join(err, control.Close())
	}
	return control, p, nil
}

// lastPorts returns the ports of the slot's last run, or the suggested ones.
func (s slot) lastPorts() (ports, error) {
	p := s.suggestedPorts()
	text, err := os.ReadFile(s.path("ports.json"))
	if err == nil {
		err = json.Unmarshal(text, &p)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return ports{}, fmt.Errorf("reading the lab's ports: %w", err)
	}
	return p, nil
}

func (s slot) rememberPorts(p ports) error {
	text, err := json.Marshal(p)
	if err == nil {
		err = os.WriteFile(s.path("ports.json"), text, 0o644)
	}
	if err != nil {
		return fmt.Errorf("remembering the lab's ports: %w", err)
	}
	return nil
}

// listenNear opens the port on 127.0.0.1 or, if it is busy, any other, which
// port is then.
func listenNear(port *int) (net.Listener, error) {
	l, err := net.Listen("tcp4", local(*port))
	if err != nil {
		l, err = net.Listen("tcp4", local(0))
	}
	if err != nil {
		return nil, err
	}
	*port = l.Addr().(*net.TCPAddr).Port
	return l, nil
}

// local is the port's address on this machine.
func local(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

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
