package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestIdentity(t *testing.T) {
	tree, dmi, mid := serialFiles[0], serialFiles[1], machineIDFile
	for name, tt := range map[string]struct {
		files   map[string]string
		serial  string
		from    string
		derived bool
	}{
		"device tree first": {map[string]string{tree: "10000000abcd\x00", dmi: "X", mid: "m"}, "10000000abcd", "/" + tree, false},
		"dmi":               {map[string]string{tree: "\x00", dmi: " SN-7 \n", mid: "m"}, "SN-7", "/" + dmi, false},
		"machine id":        {map[string]string{mid: "0123456789abcdef0123456789abcdef\n"}, "", "/" + mid, true},
		"escapes are cut":   {map[string]string{dmi: "\x1b[2JSN\x07-8"}, "[2JSN-8", "/" + dmi, false},
		"too long":          {map[string]string{dmi: strings.Repeat("9", 200)}, strings.Repeat("9", 48), "/" + dmi, false},
		"nothing":           {nil, "", "nothing", true},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			for f, content := range tt.files {
				p := filepath.Join(root, f)
				if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(p, []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			serial, from, derived := identity{root}.serial()
			if from != tt.from || derived != tt.derived || tt.serial != "" && serial != tt.serial {
				t.Errorf("got %q from %s derived=%v, want %q from %s derived=%v", serial, from, derived, tt.serial, tt.from, tt.derived)
			}
			if id := tt.files[mid]; derived && id != "" && (!strings.HasPrefix(serial, "mid-") || strings.Contains(serial, id[:8])) {
				t.Errorf("got %q, want a value derived from the machine id that does not show it", serial)
			}
		})
	}
}
