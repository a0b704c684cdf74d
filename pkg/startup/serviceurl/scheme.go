package serviceurl

// A Scheme is a protocol by which a service can be asked.
type Scheme struct {
	Name string
	// Port is where servers of the protocol listen if the URL does not say, or 0 if it has to.
	Port int
	// SeveralHosts says that a URL may name several servers that stand for one another, with commas between them.
	SeveralHosts bool
}

// Schemes returns all schemes. The ports are those that IANA has registered; those of redis and mongodb are what the servers use.
// https://www.iana.org/assignments/service-names-port-numbers
func Schemes() []Scheme {
	return []Scheme{
		{Name: "mongodb", Port: 27017, SeveralHosts: true},
		{Name: "amqp", Port: 5672},
		{Name: "amqps", Port: 5671},
		{Name: "qpid", Port: 5672}, // what Celery calls AMQP 0-10
		{Name: "tcp"},
		{Name: "http", Port: 80},
		{Name: "https", Port: 443},
		{Name: "postgres", Port: 5432, SeveralHosts: true},
		{Name: "postgresql", Port: 5432, SeveralHosts: true}, // libpq knows both
		{Name: "redis", Port: 6379},
		{Name: "rediss", Port: 6379},
	}
}

// Names returns the names of all schemes.
func Names() []string {
	var names []string
	for _, s := range Schemes() {
		names = append(names, s.Name)
	}
	return names
}

func schemeCalled(name string) (Scheme, bool) {
	for _, s := range Schemes() {
		if s.Name == name {
			return s, true
		}
	}
	return Scheme{}, false
}
