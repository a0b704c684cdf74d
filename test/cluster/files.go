package cluster

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"text/template"
)

// token is the administrator's. The API server can be reached from the machine only.
const token = "administrator"

// writeFiles writes what the programs read.
func (m *host) writeFiles() error {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	files := map[string]string{
		"accounts.key":         string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		"tokens.csv":           token + ",admin,admin,system:masters\n",
		"kubeconfig":           kubeconfig,
		"kubelet.yaml":         kubeletConfig,
		"proxy.yaml":           proxyConfig,
		"containerd.toml":      containerdConfig,
		"resolv.conf":          "nameserver {{ .Node }}\n",
		"cni/10-pods.conflist": cniConfig,
		"registries/" + m.config.Registry + "/hosts.toml": registryConfig,
	}
	values := map[string]string{
		"Dir": m.dir, "Cgroup": m.cgroup, "Token": token, "APIServer": apiServer, "Node": Node, "Pods": pods,
		"Containerd": containerd, "Pause": m.config.Pause, "Registry": m.config.Registry,
	}
	for name, text := range files {
		if err := writeFile(filepath.Join(m.dir, name), text, values); err != nil {
			return fmt.Errorf("writing %s of the cluster: %w", name, err)
		}
	}
	return nil
}

func writeFile(name, text string, values map[string]string) error {
	t, err := template.New("").Option("missingkey=error").Parse(text)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	if err := t.Execute(&out, values); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, out.Bytes(), 0o600)
}

const kubeconfig = `apiVersion: v1
kind: Config
current-context: cluster
clusters: [{ name: cluster, cluster: { server: "{{ .APIServer }}", insecure-skip-tls-verify: true } }]
users: [{ name: admin, user: { token: "{{ .Token }}" } }]
contexts: [{ name: cluster, context: { cluster: cluster, user: admin } }]
`

const kubeletConfig = `apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
containerRuntimeEndpoint: unix://{{ .Containerd }}
cgroupDriver: cgroupfs
cgroupRoot: /{{ .Cgroup }}
failCgroupV1: false
failSwapOn: false
evictionHard: { nodefs.available: "1%", imagefs.available: "1%", memory.available: 50Mi }
imageGCHighThresholdPercent: 100
resolvConf: ""
clusterDNS: ["{{ .Node }}"]
clusterDomain: cluster.local
address: {{ .Node }}
readOnlyPort: 0
volumePluginDir: "{{ .Dir }}/volume-plugins"
authentication: { anonymous: { enabled: true }, webhook: { enabled: false } }
authorization: { mode: AlwaysAllow }
maxPods: 100
`

const proxyConfig = `apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
clientConnection: { kubeconfig: "{{ .Dir }}/kubeconfig" }
mode: iptables
clusterCIDR: {{ .Pods }}
hostnameOverride: node
bindAddress: {{ .Node }}
healthzBindAddress: 127.0.0.1:10256
metricsBindAddress: 127.0.0.1:10249
conntrack: { maxPerCore: 0, min: 0 }
`

// A sandbox of the first process of another namespace may not lower its oom_score_adj.
const containerdConfig = `version = 2
root = "{{ .Dir }}/containerd"
state = "/run/containerd"
disabled_plugins = [
  "io.containerd.internal.v1.opt", "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs",
]

[grpc]
  address = "{{ .Containerd }}"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{{ .Pause }}"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{{ .Dir }}/cni"
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "{{ .Dir }}/registries"
`

// Each pod has a route of its own: between two ports of a bridge, packets would pass by the rules of Services.
const cniConfig = `{
  "cniVersion": "0.4.0",
  "name": "pods",
  "plugins": [
    { "type": "ptp", "ipam": { "type": "host-local", "ranges": [[{ "subnet": "{{ .Pods }}" }]], "routes": [{ "dst": "0.0.0.0/0" }] } },
    { "type": "portmap", "capabilities": { "portMappings": true } }
  ]
}
`

const registryConfig = `server = "http://{{ .Registry }}"

[host."http://{{ .Registry }}"]
  capabilities = ["pull", "resolve"]
`
