package family

import (
	"slices"
	"strings"

	"github.com/pulpimg/pulpimg/pkg/startup/contract"
)

// IsRoot reports whether a user, USER or USER:GROUP, is root. Nothing is root: that is whom a container starts as when nobody says.
func IsRoot(user string) bool {
	name, _, _ := strings.Cut(user, ":")
	return name == "" || name == "root" || name == "0"
}

// staysRoot reports whether the process of a container is root when it has started.
func (i *Image) staysRoot() bool {
	if i.Start != nil && i.Start.User != "" {
		return IsRoot(i.Start.User)
	}
	return IsRoot(i.user())
}

// ListensWithoutRoot reports whether the process of a container, which is not root then, listens at a port that not everybody may listen at. No
// capability helps it: what runs the container has to let everybody listen there.
func (i *Image) ListensWithoutRoot() bool { return i.Workload.hasPrivilegedPort() && !i.staysRoot() }

// capabilities returns what containers of an image that is run have to be allowed, sorted: what its commands need, by the spec or by what is
// known of them, and what its start needs.
func (i *Image) capabilities(c contract.Contract) []string {
	if !i.Runs() {
		return nil
	}
	wanted := i.capabilitiesOfStart(c)
	if i.Workload.DeclaredCapabilities != nil {
		wanted = append(wanted, i.Workload.DeclaredCapabilities...)
	} else {
		wanted = append(wanted, i.capabilitiesOfProcess()...)
	}
	slices.Sort(wanted)
	return slices.Compact(wanted)
}

// maxPrivilegedPort is the last port that not everybody may listen at.
// https://man7.org/linux/man-pages/man7/ip.7.html (search for ip_unprivileged_port_start)
const maxPrivilegedPort = 1023

// hasPrivilegedPort reports whether containers listen at a port that not everybody may listen at.
func (w Workload) hasPrivilegedPort() bool {
	return slices.ContainsFunc(w.Ports, func(p Port) bool { return p.Number <= maxPrivilegedPort })
}

// capabilitiesOfProcess returns what the commands of an image probably need, which says nothing of it. Those that run as root may, as a server
// that opens its files as root and then becomes others for its work, as nginx does:
//
//   - with SETUID and SETGID become another user, and with KILL tell a process of that user to end;
//   - with CHOWN, FOWNER and DAC_OVERRIDE give files to other users, and go on with them.
//
// Docker grants these to all containers, and more that few need, such as raw sockets and device files.
// https://docs.docker.com/engine/containers/run/#runtime-privilege-and-linux-capabilities
func (i *Image) capabilitiesOfProcess() []string {
	var out []string
	if i.Workload.hasPrivilegedPort() {
		out = append(out, "NET_BIND_SERVICE")
	}
	if i.staysRoot() {
		out = append(out, "CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "SETGID", "SETUID")
	}
	return out
}

// capabilitiesOfStart returns what a start needs that begins as root; one that begins as another user has none, whatever it is allowed:
//
//   - with SETUID and SETGID it becomes the user of the role;
//   - with KILL it tells a command of init, or of a service that it waits for, which is that user's, to end;
//   - with DAC_OVERRIDE it writes a settings file that belongs to somebody else.
//
// https://man7.org/linux/man-pages/man7/capabilities.7.html
func (i *Image) capabilitiesOfStart(c contract.Contract) []string {
	start := i.Start
	if start == nil || !IsRoot(i.user()) {
		return nil
	}
	var out []string
	if start.User != "" {
		out = append(out, "SETUID", "SETGID")
		if len(start.Init) > 0 || slices.ContainsFunc(c.Services, func(s contract.Service) bool {
			return len(s.Command) > 0 && slices.Contains(start.Wait, s.Name)
		}) {
			out = append(out, "KILL")
		}
	}
	if len(start.Configure) > 0 {
		out = append(out, "DAC_OVERRIDE")
	}
	return out
}
