package cluster

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// kernelSettings are what the kubelet sets for the whole machine: the kernel has them once, and no namespace has its own.
var kernelSettings = []string{
	"vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops", "kernel/keys/root_maxkeys", "kernel/keys/root_maxbytes",
}

// keepKernel notes the settings of the kernel as they are, so that end can restore them.
func (m *host) keepKernel() error {
	m.kernel = map[string][]byte{}
	for _, name := range kernelSettings {
		value, err := os.ReadFile(filepath.Join("/proc/sys", name))
		if err != nil {
			return fmt.Errorf("reading a setting of the kernel: %w", err)
		}
		m.kernel[name] = value
	}
	return nil
}

// restoreKernel restores the settings that keepKernel noted.
func (m *host) restoreKernel() error {
	var errs []error
	for name, value := range m.kernel {
		errs = append(errs, os.WriteFile(filepath.Join("/proc/sys", name), value, 0o644))
	}
	return errors.Join(errs...)
}
