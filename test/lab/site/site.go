package site

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/pulpimg/pulpimg/test/lab/aptrepo"
	"github.com/pulpimg/pulpimg/test/lab/baseimage"
	"github.com/pulpimg/pulpimg/test/lab/mirror"
	"github.com/pulpimg/pulpimg/test/lab/registry"
)

// Site is a running lab.
type Site struct {
	values  Values
	servers []*http.Server
	serving sync.WaitGroup
	closers []func() error // in the order of their opening
}

// Config says what lab is wanted.
type Config struct {
	Dir      string       // the lab's folder
	Services bool         // with what the built images talk to, which takes seconds to start
	Log      func(string) // is told about what takes long
}

// Start prepares what is missing in the lab's folder and starts the servers.
// Several labs may run in the same folder; each has ports and a registry of
// its own.
func Start(ctx context.Context, config Config) (*Site, error) {
	c, err := openCache(config.Dir, config.Log)
	if err != nil {
		return nil, err
	}
	p, err := c.prepare(ctx)
	if err != nil {
		return nil, err
	}
	if config.Services {
		if err := c.prepareServices(ctx); err != nil {
			return nil, err
		}
	}
	slot, err := c.takeSlot()
	if err != nil {
		return nil, err
	}
	s := &Site{closers: []func() error{slot.lock.unlock}}
	if err := s.start(ctx, c, slot, p, config.Services); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Values are what those who use the lab have to know of it.
func (s *Site) Values() Values { return s.values }

func (s *Site) start(ctx context.Context, c cache, slot slot, p prepared, services bool) error {
	logFile, err := os.Create(slot.path("log"))
	if err != nil {
		return err
	}
	s.closers = append(s.closers, logFile.Close)
	registry.LogTo(logFile)
	s.closers = append(s.closers, func() error { registry.LogTo(io.Discard); return nil })

	listeners, err := slot.listen()
	if err != nil {
		return err
	}
	s.values = newValues(c, slot, listeners)
	if err := s.serveAll(slot, p, listeners, logFile); err != nil {
		return errors.Join(err, listeners.Close())
	}
	if err := writePolicy(s.values); err != nil {
		return err
	}
	if err := publish(ctx, s.values.Registry, p); err != nil || !services {
		return err
	}
	return s.startServices(ctx, c, slot, logFile)
}

// serveAll starts the servers. With an error, none was started.
func (s *Site) serveAll(slot slot, p prepared, l listeners, logFile io.Writer) error {
	debian, err := aptrepo.New(baseimage.Epoch(), aptrepo.Catalog()...)
	if err != nil {
		return err
	}
	pages, err := mirror.New(mirror.Config{
		URL:      s.values.RepoURL,
		Packages: os.DirFS(p.packages),
		Empty:    os.DirFS(p.empty),
		Debian:   debian,
		Arch:     p.arch,
		Revision: p.revision,
		Modified: baseimage.Epoch(),
	})
	if err != nil {
		return err
	}
	open, err := s.openRegistry(slot, nil)
	if err != nil {
		return err
	}
	guarded, err := s.openRegistry(slot, &registry.Credentials{User: authUser, Password: authPassword})
	if err != nil {
		return err
	}
	s.serve(l.mirror, pages, logFile)
	s.serve(l.registry, open, logFile)
	s.serve(l.authRegistry, guarded, logFile)
	return nil
}

// openRegistry opens a registry on the slot's storage.
func (s *Site) openRegistry(slot slot, c *registry.Credentials) (http.Handler, error) {
	// The registry lives until it is closed, not until the start has ended.
	r, err := registry.Open(context.Background(), slot.path("registry"), c)
	if err != nil {
		return nil, err
	}
	s.closers = append(s.closers, r.Close)
	return r, nil
}

// serve answers the listener's requests until Close.
func (s *Site) serve(l net.Listener, handler http.Handler, logFile io.Writer) {
	server := &http.Server{Handler: handler, ErrorLog: log.New(logFile, "http: ", log.LstdFlags)}
	s.servers = append(s.servers, server)
	s.serving.Go(func() {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			server.ErrorLog.Print(err)
		}
	})
}

// publish puts the lab's images into its registry.
func publish(ctx context.Context, host string, p prepared) error {
	base, err := baseimage.Load(p.base)
	if err != nil {
		return err
	}
	fedoraImage, err := baseimage.Fedora(base)
	if err != nil {
		return err
	}
	centos, err := baseimage.CentOS(fedoraImage)
	if err != nil {
		return err
	}
	files, err := baseimage.Files()
	if err != nil {
		return err
	}
	for _, image := range []struct {
		name    string
		content registry.Content
	}{{fedora, fedoraImage}, {centOS, centos}, {"files:1", files}} {
		if err := registry.Push(ctx, host+"/"+image.name, image.content); err != nil {
			return err
		}
	}
	return nil
}

// closeGrace is how long requests that are being answered may take when the
// lab ends.
const closeGrace = time.Second

// Close ends the servers and waits for them.
func (s *Site) Close() error {
	var errs []error
	for _, server := range s.servers {
		errs = append(errs, closeServer(server))
	}
	s.serving.Wait()
	for i := len(s.closers) - 1; i >= 0; i-- {
		errs = append(errs, s.closers[i]())
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("ending the lab: %w", err)
	}
	return nil
}

func closeServer(server *http.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), closeGrace)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		return server.Close()
	}
	return nil
}
