package cluster

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
)

// Where the machine's programs are for each other. The machine has its network and its /run for itself.
const (
	etcd       = "http://127.0.0.1:2379"
	apiServer  = "https://127.0.0.1:6443"
	containerd = "/run/containerd.sock"
	services   = "10.96.0.0/16"
	pods       = "10.244.0.0/16"
)

// programs are what the machine runs, in the order in which one needs another.
func (m *host) programs() []program {
	file := func(name string) string { return filepath.Join(m.dir, name) }
	kube := func(name string, args ...string) program {
		return program{path: filepath.Join(m.config.Programs, name), args: args}
	}
	api := kube("kube-apiserver", "--etcd-servers", etcd, "--bind-address", "127.0.0.1", "--advertise-address", Node, "--secure-port", "6443",
		"--cert-dir", file("certificates"), "--service-cluster-ip-range", services,
		"--token-auth-file", file("tokens.csv"), "--authorization-mode", "AlwaysAllow", "--disable-admission-plugins", "ServiceAccount",
		"--service-account-key-file", file("accounts.key"), "--service-account-signing-key-file", file("accounts.key"),
		"--service-account-issuer", apiServer, "--endpoint-reconciler-type", "none", "--allow-privileged",
		"--kubelet-preferred-address-types", "InternalIP")
	api.ready = answers(apiServer + "/readyz")
	return []program{
		{path: "/usr/bin/etcd", args: []string{"--data-dir", file("etcd"), "--listen-client-urls", etcd, "--advertise-client-urls", etcd,
			"--listen-peer-urls", "http://127.0.0.1:2380", "--unsafe-no-fsync"}, ready: answers(etcd + "/health")},
		api,
		kube("kube-controller-manager", "--kubeconfig", file("kubeconfig"), "--service-account-private-key-file", file("accounts.key"),
			"--cluster-cidr", pods, "--service-cluster-ip-range", services, "--leader-elect=false", "--bind-address", "127.0.0.1"),
		kube("kube-scheduler", "--kubeconfig", file("kubeconfig"), "--leader-elect=false", "--bind-address", "127.0.0.1"),
		{path: "/usr/bin/containerd", args: []string{"--config", file("containerd.toml")}, ready: listens(containerd)},
		kube("kubelet", "--config", file("kubelet.yaml"), "--kubeconfig", file("kubeconfig"), "--root-dir", file("kubelet"),
			"--cert-dir", file("kubelet-certificates"), "--hostname-override", "node", "--node-ip", Node),
		kube("kube-proxy", "--config", file("proxy.yaml")),
	}
}

// answers reports whether a server of the machine answers that all is well. Its certificate is its own.
func answers(url string) func(context.Context) error {
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}}
	return func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		request.Header.Set("Authorization", "Bearer "+token)
		response, err := client.Do(request)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		if text, _ := io.ReadAll(response.Body); response.StatusCode != http.StatusOK {
			return fmt.Errorf("%s: %s: %s", url, response.Status, text)
		}
		return nil
	}
}

// listens reports whether somebody listens at a socket.
func listens(socket string) func(context.Context) error {
	return func(ctx context.Context) error {
		conn, err := (&net.Dialer{}).DialContext(ctx, "unix", socket)
		if err != nil {
			return err
		}
		return conn.Close()
	}
}
