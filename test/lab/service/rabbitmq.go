package service

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"path/filepath"
	"strconv"

	"github.com/pulpimg/pulpimg/test/lab/debian"
)

// The programs in Debian's packages. What is in the PATH as rabbitmq-server
// changes to the user rabbitmq and to the host's own configuration.
const (
	rabbitServer = "/usr/lib/rabbitmq/bin/rabbitmq-server"
	epmd         = "/usr/bin/epmd"
)

// RabbitMQTools are what RabbitMQ needs on the host.
func RabbitMQTools() []debian.Tool {
	return []debian.Tool{
		{Program: rabbitServer, Package: "rabbitmq-server"},
		{Program: epmd, Package: "erlang-base"},
	}
}

// RabbitMQPorts are the ports of a RabbitMQ, all of them on 127.0.0.1.
type RabbitMQPorts struct {
	AMQP         int
	Distribution int // for Erlang's nodes
	EPMD         int // of Erlang's port mapper
}

// RabbitMQ returns the service that keeps its data in dir. It speaks AMQP
// 0-9-1 and 1.0 and lets in guest, with the password guest, and c.
func RabbitMQ(name, dir string, ports RabbitMQPorts, c Credentials) *Service {
	amqp := net.JoinHostPort("127.0.0.1", strconv.Itoa(ports.AMQP))
	mapper := net.JoinHostPort("127.0.0.1", strconv.Itoa(ports.EPMD))
	path := func(name string) string { return filepath.Join(dir, name) }
	env := []string{
		"HOME=" + dir, // of Erlang's cookie
		"ERL_EPMD_ADDRESS=127.0.0.1",
		"ERL_EPMD_PORT=" + strconv.Itoa(ports.EPMD),
		"RABBITMQ_NODENAME=" + name + "@localhost",
		"RABBITMQ_DIST_PORT=" + strconv.Itoa(ports.Distribution),
		"RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=-kernel inet_dist_use_interface {127,0,0,1}",
		"RABBITMQ_CONF_ENV_FILE=/dev/null", // not the host's
		"RABBITMQ_CONFIG_FILE=" + path(rabbitConfig),
		"RABBITMQ_ENABLED_PLUGINS_FILE=" + path(rabbitPlugins),
		"RABBITMQ_MNESIA_BASE=" + path("mnesia"),
		"RABBITMQ_LOG_BASE=" + dir,
		// Without a shell in between, which the signal would end instead.
		"RABBITMQ_ALLOW_INPUT=1",
	}
	return &Service{
		name: name,
		dir:  dir,
		files: map[string]string{
			rabbitConfig: fmt.Sprintf("listeners.tcp.local = %s\nload_definitions = %s\nlog.console = true\nlog.console.level = warning\nlog.file = false\n",
				amqp, path(rabbitDefinitions)),
			rabbitPlugins:     "[rabbitmq_amqp1_0].\n",
			rabbitDefinitions: definitions(Credentials{"guest", "guest"}, c),
		},
		programs: []program{
			// RabbitMQ would start one that outlives it.
			{args: []string{epmd, "-address", "127.0.0.1", "-port", strconv.Itoa(ports.EPMD)}, ping: pingTCP(mapper)},
			{args: []string{rabbitServer, "-noinput"}, env: env, ping: pingAMQP(amqp)},
		},
	}
}

// Names of RabbitMQ's files.
const (
	rabbitConfig      = "rabbitmq.conf"
	rabbitPlugins     = "enabled_plugins"
	rabbitDefinitions = "definitions.json"
)

// definitions is what RabbitMQ imports when it starts: users who may do
// everything. See https://www.rabbitmq.com/docs/definitions.
func definitions(users ...Credentials) string {
	type object map[string]any
	var people, permissions []object
	for _, u := range users {
		people = append(people, object{
			"name": u.User, "password_hash": hash(u.Password),
			"hashing_algorithm": "rabbit_password_hashing_sha256", "tags": []string{"administrator"},
		})
		permissions = append(permissions, object{"user": u.User, "vhost": "/", "configure": ".*", "write": ".*", "read": ".*"})
	}
	text, err := json.Marshal(object{"users": people, "vhosts": []object{{"name": "/"}}, "permissions": permissions})
	if err != nil {
		panic(err) // it is made of strings
	}
	return string(text)
}

// hash returns the password as RabbitMQ stores it: base64 of four bytes of
// salt, which guard nothing here, and the SHA-256 of those and the password.
// See https://www.rabbitmq.com/docs/passwords#computing-password-hash.
func hash(password string) string {
	const salt = "salt"
	sum := sha256.Sum256([]byte(salt + password))
	return base64.StdEncoding.EncodeToString(append([]byte(salt), sum[:]...))
}
