package llb

import (
	"strings"

	"github.com/moby/buildkit/client/llb"
)

// TrustedID is the ID of the secret that holds the certificates of authorities that commands are to trust, in PEM. No secret of a run step
// has such an ID.
const TrustedID = "pulpimg/trusted"

// trustedFile is where commands find these certificates. It is a mount, and leaves nothing in the layer.
const trustedFile = "/run/pulpimg/trusted.pem"

// trustVariables name the file for programs that read its name from their environment.
//
//   - SSL_CERT_FILE: OpenSSL, and with it Python, Ruby, apk and many others; Go
//   - CURL_CA_BUNDLE: curl
//   - GIT_SSL_CAINFO: git
//   - REQUESTS_CA_BUNDLE, PIP_CERT: Python's requests, pip
//   - NODE_EXTRA_CA_CERTS: Node.js, npm
//   - CARGO_HTTP_CAINFO: cargo
//   - AWS_CA_BUNDLE: the tools of AWS
func trustVariables() []string {
	return []string{
		"SSL_CERT_FILE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO", "REQUESTS_CA_BUNDLE", "PIP_CERT", "NODE_EXTRA_CA_CERTS", "CARGO_HTTP_CAINFO", "AWS_CA_BUNDLE",
	}
}

// surroundings returns what commands see of the network that they run in. The image's own variables come first.
func surroundings(with Options, declared map[string]bool) []llb.RunOption {
	var opts []llb.RunOption
	proxy := func(value, name string) string {
		if declared[name] || declared[strings.ToUpper(name)] {
			return ""
		}
		return value
	}
	if p := (llb.ProxyEnv{
		HTTPProxy: proxy(with.Proxies.HTTP, "http_proxy"), HTTPSProxy: proxy(with.Proxies.HTTPS, "https_proxy"),
		FTPProxy: proxy(with.Proxies.FTP, "ftp_proxy"), AllProxy: proxy(with.Proxies.All, "all_proxy"), NoProxy: proxy(with.Proxies.No, "no_proxy"),
	}); p != (llb.ProxyEnv{}) {
		opts = append(opts, llb.WithProxy(p))
	}
	if !with.Trusting {
		return opts
	}
	opts = append(opts, llb.AddSecret(trustedFile, llb.SecretID(TrustedID), llb.SecretFileOpt(0, 0, 0o444)))
	for _, name := range trustVariables() {
		if !declared[name] {
			opts = append(opts, llb.AddEnv(name, trustedFile))
		}
	}
	return opts
}
