package service

import (
	"context"
	"errors"
	"net"
	"net/url"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pulpimg/pulpimg/pkg/startup/serviceurl"
)

// postgres returns the protocol of PostgreSQL, as its own clients speak it: the options of the URL and the PG... variables mean what they
// mean to libpq.
// https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS
func postgres(u serviceurl.URL) (protocol, error) {
	if _, err := postgresConfig(u, u.Hosts[0]); err != nil {
		return nil, err
	}
	return askPostgres, nil
}

// postgresConfig is for one host: which of several to ask is decided elsewhere.
func postgresConfig(u serviceurl.URL, host serviceurl.Host) (*pgconn.Config, error) {
	one := url.URL{Scheme: "postgres", Host: host.String(), Path: "/" + u.Name(), RawQuery: u.Options.Encode()}
	switch {
	case u.Password != "":
		one.User = url.UserPassword(u.User, u.Password)
	case u.User != "":
		one.User = url.User(u.User)
	}
	config, err := pgconn.ParseConfig(one.String())
	if err != nil {
		var parse *pgconn.ParseConfigError
		if errors.As(err, &parse) && errors.Unwrap(parse) != nil {
			err = errors.Unwrap(parse) // without the URL
		}
		return nil, &OptionError{err.Error()}
	}
	return config, nil
}

// asking marks the context in which askPostgres connects.
type asking struct{}

// askPostgres connects and logs in. Without a password, a server that wants one is available.
func askPostgres(ctx context.Context, s *session) error {
	config, err := postgresConfig(s.service.url, s.host)
	if err != nil {
		return err
	}
	config.LookupFunc = func(_ context.Context, host string) ([]string, error) { return []string{host}, nil } // the dialler resolves it
	config.DialFunc = func(ctx context.Context, _, _ string) (net.Conn, error) {
		if ctx.Value(asking{}) == nil {
			// After a failure the client would ask the server, from a goroutine of its own, to cancel what it has not begun.
			return nil, errors.New("there is nothing to cancel")
		}
		return s.dialPlain(ctx)
	}
	config.MaxProtocolMessageBodyLen = enough
	conn, err := pgconn.ConnectConfig(context.WithValue(ctx, asking{}, true), config)
	if err == nil {
		return conn.Close(ctx)
	}
	var answer *pgconn.PgError
	if errors.As(err, &answer) {
		return judgePostgres(answer, config.Password != "")
	}
	if config.TLSConfig != nil && s.answeredTLS() {
		return &tlsError{err}
	}
	return err
}

// answeredTLS reports whether the server answered the request for TLS before the latest connection failed: S to agree, and then TLS
// records, or N to refuse.
// https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-SSL
func (s *session) answeredTLS() bool {
	seen := s.seen()
	return string(seen) == "N" || string(seen) == "S" || len(seen) > 1 && seen[0] == 'S' && seen[1] < ' '
}

// judgePostgres returns what an error of the server means for its availability.
// https://www.postgresql.org/docs/current/errcodes-appendix.html
func judgePostgres(e *pgconn.PgError, password bool) error {
	switch class := e.Code[:min(len(e.Code), 2)]; {
	case class == "28" && password: // invalid authorization
		return refused(e.Message)
	case class == "28":
		return nil
	case e.Code == "3D000", class == "57", class == "53": // no such database; shutting down, starting up; no resources
		return notReady("%s", serverText{text: e.Message})
	}
	return notReady("the server answers %s (%s)", serverText{text: e.Message}, e.Code)
}
