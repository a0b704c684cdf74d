package message

import (
	"regexp"
	"strings"
	"sync"
)

// Parts of errors about a registry or a web server.
var (
	refused = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`401 Unauthorized|403 Forbidden|insufficient_scope|authorization failed|authentication required`)
	})
	unreachable = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`connection refused|no such host|i/o timeout|network is unreachable|no route to host`)
	})
)

// Refused reports whether a registry refused the credentials.
func Refused(err error) bool { return err != nil && refused().MatchString(err.Error()) }

// Unreachable reports whether a server did not answer.
func Unreachable(err error) bool { return err != nil && unreachable().MatchString(err.Error()) }

// UnknownAuthority reports whether the certificate of a server is of an authority that is not trusted.
func UnknownAuthority(err error) bool {
	return err != nil && strings.Contains(err.Error(), "certificate signed by unknown authority")
}

// WithoutTLS reports whether a server answered without TLS where it was asked with it.
func WithoutTLS(err error) bool {
	return err != nil && strings.Contains(err.Error(), "server gave HTTP response to HTTPS client")
}

// DeniedByPolicy reports whether the source policy denies a source.
func DeniedByPolicy(text string) bool { return strings.Contains(text, "denied by policy") }

// missingSecret matches the error for a step whose secret was not given.
var missingSecret = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`secret ([A-Za-z0-9_.-]+): not found`) })

// MissingSecret returns the name of the secret that was not given, or nothing.
func MissingSecret(text string) string {
	if found := missingSecret().FindStringSubmatch(text); found != nil {
		return found[1]
	}
	return ""
}

// CannotContinue reports whether the engine has a part of a blob, and cannot continue after it. It reads a blob from a session only
// from the beginning.
// https://github.com/moby/buildkit/blob/v0.34.2/util/contentutil/fetcher.go
func CannotContinue(err error) bool { return strings.Contains(err.Error(), "unsupported offset") }

// brokenState matches the error of buildkitd's database for damaged or unfinished files, whether Open returns it or it is in a panic.
// https://github.com/etcd-io/bbolt/blob/v1.4.3/errors/errors.go
var brokenState = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`buildkitd: (invalid database|version mismatch|checksum error|file size too small|freelist)` +
		`|panic: (invalid freelist page|assertion failed: Page expected)`)
})

// BrokenState returns what a log of buildkitd says of a database that cannot be read, or nothing.
func BrokenState(log string) string { return brokenState().FindString(log) }

// PlatformsDiffer reports whether a warning says that a result has other platforms than were asked for.
// https://github.com/moby/buildkit/blob/v0.34.2/exporter/verifier/platforms.go
func PlatformsDiffer(warning string) bool { return platformsDiffer().MatchString(warning) }

var platformsDiffer = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^Requested platforms? \S+ do(es)? not match result platforms? `)
})

// WritesManifest reports whether a step of an export writes a manifest, a list of manifests or a config.
// https://github.com/moby/buildkit/blob/v0.34.2/exporter/containerimage/writer.go
func WritesManifest(step string) bool { return writesManifest().MatchString(step) }

var writesManifest = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^exporting (manifest|manifest list|config) sha256:`) })

// noise is what errors say of BuildKit's own inner ways.
var noise = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(failed to solve: |failed to run Build function: |failed to load LLB: |error evaluating the source policy: |failed to resolve source metadata for [^ ]+: |failed to load cache key: |rpc error: code = \w+ desc = |process "(?:[^"\\]|\\.)*" )+`)
})

// Plain returns an error's text without the layers that it came through.
func Plain(text string) string {
	return noise().ReplaceAllStringFunc(text, func(s string) string {
		if strings.Contains(s, `process "`) {
			return "the command "
		}
		return ""
	})
}
