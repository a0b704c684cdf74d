package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"sync"

	"golang.org/x/sys/unix"
)

// inside calls do on a thread in the cluster's network. A socket stays in the network in which it was made.
func (c *Cluster) inside(do func() error) error {
	result := make(chan error, 1)
	go func() {
		// Never unlocked: the thread ends with this goroutine, and nothing else runs in the cluster's network.
		runtime.LockOSThread()
		err := unix.Setns(int(c.namespace.Fd()), unix.CLONE_NEWNET)
		if err == nil {
			err = do()
		}
		result <- err
	}()
	return <-result
}

// Dial connects to an address, not a name, in the cluster's network.
func (c *Cluster) Dial(ctx context.Context, network, address string) (conn net.Conn, err error) {
	err = c.inside(func() error {
		var err error
		conn, err = (&net.Dialer{}).DialContext(ctx, network, address)
		return err
	})
	return conn, err
}

// A relay leads from an address in the cluster's network to one outside.
type relay struct {
	listener net.Listener
	to       string
	mu       sync.Mutex
	conns    map[net.Conn]bool // nil when it is closed
	running  sync.WaitGroup
}

// Relay leads from an address in the cluster's network to one outside, until the cluster is closed.
func (c *Cluster) Relay(from, to string) error {
	r := &relay{to: to, conns: map[net.Conn]bool{}}
	if err := c.inside(func() (err error) {
		r.listener, err = net.Listen("tcp", from)
		return err
	}); err != nil {
		return fmt.Errorf("listening at %s in the cluster: %w", from, err)
	}
	c.relays = append(c.relays, r)
	r.running.Go(func() { // ends when the listener is closed
		for {
			in, err := r.listener.Accept()
			if err != nil {
				return
			}
			r.running.Go(func() { r.serve(in) })
		}
	})
	return nil
}

// serve copies both ways until either side ends.
func (r *relay) serve(in net.Conn) {
	defer in.Close()
	out, err := net.Dial("tcp", r.to)
	if err != nil {
		return // so that who asks sees that nobody is there
	}
	defer out.Close()
	if !r.keep(in, out) {
		return
	}
	defer r.drop(in, out)
	var copies sync.WaitGroup
	for _, pair := range [][2]net.Conn{{in, out}, {out, in}} {
		copies.Go(func() {
			_, _ = io.Copy(pair[0], pair[1])
			_ = pair[0].(*net.TCPConn).CloseWrite()
		})
	}
	copies.Wait()
}

func (r *relay) keep(conns ...net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range conns {
		if r.conns != nil {
			r.conns[c] = true
		}
	}
	return r.conns != nil
}

func (r *relay) drop(conns ...net.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range conns {
		delete(r.conns, c)
	}
}

func (r *relay) close() error {
	err := r.listener.Close()
	r.mu.Lock()
	for c := range r.conns {
		err = errors.Join(err, c.Close())
	}
	r.conns = nil
	r.mu.Unlock()
	r.running.Wait()
	return err
}
