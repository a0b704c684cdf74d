package service

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"os"
)

// tlsOptions are what a URL says about TLS; each protocol's clients have names of their own for it.
type tlsOptions struct {
	use                   bool
	authorities           string // a PEM file; empty for those of the system
	certificate, key      string // PEM files, may be the same one; empty for none
	serverName            string // empty for the host of the URL
	anyone, anyServerName bool   // checks to leave out
}

// config returns nil if TLS is not to be used.
func (o tlsOptions) config() (*tls.Config, error) {
	if !o.use {
		return nil, nil
	}
	config := &tls.Config{ServerName: o.serverName, InsecureSkipVerify: o.anyone || o.anyServerName}
	if o.authorities != "" {
		data, err := os.ReadFile(o.authorities)
		if err != nil {
			return nil, fmt.Errorf("reading the certificates of the authorities: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(data) {
			return nil, fmt.Errorf("%s has no certificate in PEM form in it", o.authorities)
		}
	}
	if o.certificate != "" {
		own, err := tls.LoadX509KeyPair(o.certificate, o.key)
		if err != nil {
			return nil, fmt.Errorf("reading the client's certificate: %w", err)
		}
		config.Certificates = []tls.Certificate{own}
	}
	if o.anyServerName && !o.anyone {
		config.VerifyConnection = verifyChain(config.RootCAs)
	}
	return config, nil
}

// verifyChain checks who signed a certificate, but not its name. A nil pool stands for the system's authorities.
func verifyChain(authorities *x509.CertPool) func(tls.ConnectionState) error {
	return func(state tls.ConnectionState) error {
		if len(state.PeerCertificates) == 0 {
			return errors.New("the server sent no certificate")
		}
		between := x509.NewCertPool()
		for _, c := range state.PeerCertificates[1:] {
			between.AddCert(c)
		}
		_, err := state.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: authorities, Intermediates: between})
		return err
	}
}

// mongoTLS reads the options of MongoDB's connection strings.
// https://www.mongodb.com/docs/manual/reference/connection-string-options/#tls-options
func mongoTLS(o url.Values) tlsOptions {
	return tlsOptions{
		use:           mongoOption(o, "tls") == "true" || mongoOption(o, "ssl") == "true",
		authorities:   mongoOption(o, "tlsCAFile"),
		certificate:   mongoOption(o, "tlsCertificateKeyFile"),
		key:           mongoOption(o, "tlsCertificateKeyFile"),
		anyone:        mongoOption(o, "tlsInsecure") == "true" || mongoOption(o, "tlsAllowInvalidCertificates") == "true",
		anyServerName: mongoOption(o, "tlsAllowInvalidHostnames") == "true",
	}
}

// amqpTLS reads the options of RabbitMQ's clients.
// https://www.rabbitmq.com/docs/uri-query-parameters
func amqpTLS(o url.Values) tlsOptions {
	return tlsOptions{
		use: true, authorities: o.Get("cacertfile"), certificate: o.Get("certfile"), key: o.Get("keyfile"),
		serverName: o.Get("server_name_indication"), anyone: o.Get("verify") == "verify_none",
	}
}

// redisTLS reads the options of Python's client, which Celery hands on.
// https://redis.readthedocs.io/en/stable/connections.html
func redisTLS(o url.Values) tlsOptions {
	check := o.Get("ssl_cert_reqs")
	return tlsOptions{
		use: true, authorities: o.Get("ssl_ca_certs"), certificate: o.Get("ssl_certfile"), key: o.Get("ssl_keyfile"),
		anyone: check == "none" || check == "CERT_NONE", anyServerName: o.Get("ssl_check_hostname") == "False" || o.Get("ssl_check_hostname") == "false",
	}
}
