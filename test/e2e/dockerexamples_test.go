package e2e

import (
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// publishedAt is an address of this machine at which nothing else listens, for ports that are published as they are.
const publishedAt = "127.31.231.1"

// The examples come up with Compose, and answer.
func TestDocker_examples(t *testing.T) {
	d := newDaemon(t)
	for _, tt := range []struct {
		name   string
		images []string // to be named: a cronjob is in the file only then
		push   func(t *testing.T, dir, place string)
		// The server is a service with a port, to which something may be posted, and its page.
		server, port, post, page string
		// Once names a service that runs once, and what it says.
		once, says string
	}{
		{name: "guestbook", push: pushGuestbook, server: "guestbook-web", port: "8000", post: "nice images", page: "^Hi\nNICE IMAGES\n$"},
		{name: "site", push: pushSite, server: "site", port: "8080", page: "<h1>Hello</h1>"},
		{name: "go-service", push: pushGoService, server: "gateway", port: "8000", page: "^Hello from linux/"},
		{name: "clock", push: pushClock, images: []string{"clock-server", "clock-client"}, server: "clock-server", port: "8000", page: `^It is \d+:\d+`,
			once: "clock-client", says: `^It is \d+:\d+`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir, place := example(t, tt.name), registry(t)
			tt.push(t, dir, place)
			p := project{daemon: d, folder: t.TempDir(), env: []string{
				"PULPIMG_PUBLISH=" + publishedAt, "GREETING=Hi", "REDIS_HOST=" + gateway, "REDIS_PORT=" + redisAt(t, "0.0.0.0"),
			}}
			warm().run(t, slices.Concat([]string{"compose"}, tt.images, []string{"-f", filepath.Join(dir, "pulpimg.yaml"), "--registry", place, "-o", filepath.Join(p.folder, "compose.yaml")})...).ok(t)
			p.override(t, networkOverride)
			p.up(t)

			url := "http://" + strings.TrimSpace(p.run(t, "port", tt.server, tt.port))
			waitFor(t, url)
			if tt.post != "" {
				fetch(t, http.MethodPost, url, tt.post)
			}
			var page string
			eventually(t, "the page is "+tt.page, func() bool {
				page = fetch(t, http.MethodGet, url, "")
				return regexp.MustCompile(tt.page).MatchString(page)
			})
			if tt.once != "" {
				eventually(t, tt.once+" has ended", func() bool { return p.inspect(t, tt.once, "{{.State.Status}} {{.State.ExitCode}}") == "exited 0" })
				if got := p.run(t, "logs", "--no-log-prefix", tt.once); !regexp.MustCompile(tt.says).MatchString(got) {
					t.Errorf("%s says %q", tt.once, got)
				}
			}
			p.run(t, "stop")
			for _, service := range strings.Fields(p.run(t, "config", "--services")) {
				if got := p.inspect(t, service, "{{.State.ExitCode}}"); got != "0" {
					t.Errorf("%s ends with %s", service, got)
				}
			}
			p.down(t)
		})
	}
}
