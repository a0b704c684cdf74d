package site

import (
	"os"

	"github.com/pulpimg/pulpimg/test/lab/mirror"
	"github.com/pulpimg/pulpimg/test/lab/policy"
)

// What the lab has in place of the specs' images, and who its guarded servers
// let in.
const (
	fedora = "fedora:20"
	centOS = "centos:7"

	authUser     = "lab"
	authPassword = "lab-password"
)

// Values are what those who use a lab have to know of it. They get them as
// environment variables or as JSON, by the same names.
type Values struct {
	Dir          string `json:"LAB_DIR"`           // the lab's folder
	Registry     string `json:"LAB_REGISTRY"`      // 127.0.0.1:PORT
	RegistryLog  string `json:"LAB_REGISTRY_LOG"`  // file with a line for each of the registries' requests
	AuthRegistry string `json:"LAB_AUTH_REGISTRY"` // the same storage, for AuthUser only
	AuthUser     string `json:"LAB_AUTH_USER"`
	AuthPassword string `json:"LAB_AUTH_PASSWORD"`
	RepoURL      string `json:"LAB_REPO_URL"` // http://127.0.0.1:PORT
	Policy       string `json:"LAB_POLICY"`   // file with the BuildKit source policy

	// For specs/pulp-el7.yaml: --set vault=... epel=... epel_key=...
	Vault   string `json:"LAB_VAULT"`
	EPEL    string `json:"LAB_EPEL"`
	EPELKey string `json:"LAB_EPEL_KEY"`

	// Empty in a lab without services.
	MongoDB     string `json:"LAB_MONGODB,omitempty"`      // 127.0.0.1:PORT
	AuthMongoDB string `json:"LAB_AUTH_MONGODB,omitempty"` // another database, for AuthUser only
	AMQP        string `json:"LAB_AMQP,omitempty"`         // 127.0.0.1:PORT of the broker, for guest and AuthUser
	Control     string `json:"LAB_CONTROL,omitempty"`      // http://127.0.0.1:PORT to stop and start them
}

func newValues(c cache, s slot, l listeners) Values {
	site := "http://" + l.mirror.Addr().String()
	return Values{
		Dir:          c.dir,
		Registry:     l.registry.Addr().String(),
		RegistryLog:  s.path("log"),
		AuthRegistry: l.authRegistry.Addr().String(),
		AuthUser:     authUser,
		AuthPassword: authPassword,
		RepoURL:      site,
		Policy:       s.path("policy.json"),
		Vault:        site + mirror.Vault,
		EPEL:         site + mirror.EPEL,
		EPELKey:      site + mirror.EPELKey,
	}
}

// Env returns the values as NAME=VALUE.
func (v Values) Env() []string {
	env := []string{
		"LAB_DIR=" + v.Dir,
		"LAB_REGISTRY=" + v.Registry,
		"LAB_REGISTRY_LOG=" + v.RegistryLog,
		"LAB_AUTH_REGISTRY=" + v.AuthRegistry,
		"LAB_AUTH_USER=" + v.AuthUser,
		"LAB_AUTH_PASSWORD=" + v.AuthPassword,
		"LAB_REPO_URL=" + v.RepoURL,
		"LAB_POLICY=" + v.Policy,
		"LAB_VAULT=" + v.Vault,
		"LAB_EPEL=" + v.EPEL,
		"LAB_EPEL_KEY=" + v.EPELKey,
	}
	if v.Control == "" {
		return env
	}
	return append(env,
		"LAB_MONGODB="+v.MongoDB,
		"LAB_AUTH_MONGODB="+v.AuthMongoDB,
		"LAB_AMQP="+v.AMQP,
		"LAB_CONTROL="+v.Control,
	)
}

// writePolicy writes the source policy for what specs/ names.
func writePolicy(v Values) error {
	text, err := policy.New(
		[]policy.Image{
			{Public: "docker.io/library/" + fedora, Local: v.Registry + "/" + fedora},
			{Public: "docker.io/library/" + centOS, Local: v.Registry + "/" + centOS},
		},
		[]policy.URL{
			{Public: "https://repos.fedorapeople.org/repos/pulp/pulp/fedora-pulp.repo", Local: v.RepoURL + mirror.FedoraRepo},
			{Public: "https://repos.fedorapeople.org/pulp/pulp/rhel-pulp.repo", Local: v.RepoURL + mirror.RHELRepo},
		},
	).Marshal()
	if err != nil {
		return err
	}
	return os.WriteFile(v.Policy, text, 0o644)
}
