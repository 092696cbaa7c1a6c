package serialproto_test

import (
	"testing"

	"provstation/serialproto"
)

func TestCountsDown(t *testing.T) {
	for text, want := range map[string]bool{
		"":                               false,
		"Hit any key to stop autoboot: ": true,
		"U-Boot 2023.04\nHit any key to stop autoboot:  3 \b\b\b 2 ":          true,
		`U-Boot 2023.04` + "\n" + `Hit any key to stop autoboot: 3\x08\x08 2`: true,
		"Press SPACE to abort autoboot in 3 seconds\r\n":                      true,
		"Hit any key to stop autoboot:  0 \r\nStarting kernel ...\r\n":        false,
		"[    1.0] usb: connected\n":                                          false,
	} {
		if got := serialproto.CountsDown(text); got != want {
			t.Errorf("%q: got %v, want %v", text, got, want)
		}
	}
}
