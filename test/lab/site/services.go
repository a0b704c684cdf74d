package site

import (
	"context"
	"errors"
	"io"
	"sync"

	"github.com/pulpimg/pulpimg/test/lab/debian"
	"github.com/pulpimg/pulpimg/test/lab/service"
)

// What the services are called, in the control's URLs and the slot's folder.
const (
	mongoDB     = "mongodb"
	authMongoDB = "auth-mongodb"
	amqp        = "amqp"
)

// prepareServices makes the services' programs.
func (c cache) prepareServices(ctx context.Context) error {
	if err := c.require(ctx, service.RabbitMQTools()...); err != nil {
		return err
	}
	return c.ensure(ctx, c.ferretDB())
}

func (c cache) ferretDB() item {
	return item{"ferretdb", service.FerretDBKey(), nil, func(ctx context.Context, scratch, result string) error {
		c.log("building FerretDB: this takes a minute or two, once")
		return service.BuildFerretDB(ctx, scratch, result)
	}}
}

// require installs those tools that the host lacks.
func (c cache) require(ctx context.Context, tools ...debian.Tool) error {
	if debian.Have(tools...) {
		return nil
	}
	lock, err := c.lock(ctx)
	if err != nil {
		return err
	}
	defer lock.unlock()
	return debian.Require(ctx, c.log, tools...)
}

// startServices starts the services, without what they stored in their last
// run, and their control.
func (s *Site) startServices(ctx context.Context, c cache, slot slot, logFile io.Writer) error {
	control, p, err := slot.reserve()
	if err != nil {
		return err
	}
	user := service.Credentials{User: authUser, Password: authPassword}
	ferretDB := c.path(c.ferretDB().kind, c.ferretDB().key)
	services := []*service.Service{
		service.FerretDB(mongoDB, ferretDB, slot.path(mongoDB), local(p.MongoDB), nil),
		service.FerretDB(authMongoDB, ferretDB, slot.path(authMongoDB), local(p.AuthMongoDB), &user),
		service.RabbitMQ(amqp, slot.path(amqp), service.RabbitMQPorts{AMQP: p.AMQP, Distribution: p.Distribution, EPMD: p.EPMD}, user),
	}
	for _, service := range services {
		s.closers = append(s.closers, service.Close)
	}
	s.serve(control, service.Control(services...), logFile)
	s.values.MongoDB, s.values.AuthMongoDB, s.values.AMQP = local(p.MongoDB), local(p.AuthMongoDB), local(p.AMQP)
	s.values.Control = "http://" + local(p.Control)
	return resetAll(ctx, services)
}

// resetAll resets the services, all at the same time.
func resetAll(ctx context.Context, services []*service.Service) error {
	errs := make([]error, len(services))
	var resets sync.WaitGroup
	for i, service := range services {
		resets.Go(func() { errs[i] = service.Reset(ctx) })
	}
	resets.Wait()
	return errors.Join(errs...)
}
