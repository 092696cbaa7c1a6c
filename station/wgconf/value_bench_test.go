package wgconf

import "testing"

func BenchmarkPublicKey(b *testing.B) {
	for b.Loop() {
		if _, err := parsePublicKey("HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw="); err != nil {
			b.Fatal(err)
		}
	}
}
