package main

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"

	"provstation/serialproto"
)

// knownCA reads the CA certificates that the firmware brings along; none where path is empty. They save a station sending them
// and vouch for nobody: what is installed is checked as if they had been sent.
func knownCA(path string) (list []*x509.Certificate, err error) {
	if path == "" {
		return nil, nil
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("--known-ca %s: %w", path, err)
		}
	}()
	rest, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		c, err := x509.ParseCertificate(block.Bytes)
		switch {
		case err != nil:
			return nil, fmt.Errorf("certificate %d: %w", len(list)+1, err)
		case !c.IsCA:
			return nil, fmt.Errorf("certificate %d is not a CA's", len(list)+1)
		}
		list = append(list, c)
	}
	if n := len(list); n == 0 || n > serialproto.MaxChain {
		return nil, fmt.Errorf("%d certificates, want 1 to %d", n, serialproto.MaxChain)
	}
	return list, nil
}
