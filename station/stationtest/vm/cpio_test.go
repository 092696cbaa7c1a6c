//go:build linux

package vm

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"provstation/station/stationtest/vm/guest"
)

// busybox reads the archive as the kernel will: names, kinds, links and contents are what was put in.
func TestArchiveIsReadByAnother(t *testing.T) {
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		missing(t, "busybox")
	}
	m := &Image{t: t, entries: map[string]entry{}}
	m.File("/etc/motd", 0o640, []byte("hello"))
	m.File("/empty", 0o600, nil)
	m.Symlink("/etc/link", "motd")
	m.File("/bin/tool", 0o755, bytes.Repeat([]byte{1, 2, 3}, 1111))
	file, dir := filepath.Join(t.TempDir(), "initrd"), t.TempDir()
	if err := m.write(file, guest.Spec{Hostname: "box"}); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "sh", "-c", busybox+" cpio -i -d < "+file+` && find . -mindepth 1 -printf '%P %y %m %s %l\n' | sort`)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var got []string
	for line := range strings.Lines(string(out)) {
		if f := strings.Fields(line); len(f) > 2 && f[1] != "d" && f[0] != "etc/vm.json" {
			got = append(got, strings.Join(f, " "))
		}
	}
	want := []string{"empty f 600 0", "etc/link l 777 4 motd", "etc/motd f 640 5", "usr/bin/tool f 755 3333"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
