package main

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"

	"go.step.sm/crypto/pemutil"

	"provstation/serialproto"
	"provstation/station"
	"provstation/station/config"
)

// maxKeyFile bounds the files of unlock keys, in bytes.
const maxKeyFile = 64 << 10

// unlockPolicy reads the keys that devices are given, and the one that opens them again.
func unlockPolicy(u config.Unlock) (p station.UnlockPolicy, err error) {
	p.Needed = u.Missing == config.PolicyRefuse
	if u.PinsFile == "" {
		return p, nil
	}
	if p.Pins, err = readPins(u.PinsFile); err != nil {
		return p, usage("device.unlock.pins_file: %v", err)
	}
	if u.KeyFile == "" {
		return p, nil
	}
	if p.Key, err = readUnlockKey(u); err != nil {
		return p, usage("device.unlock.key_file: %v", err)
	}
	pin, err := serialproto.UnlockPin(p.Key.Public())
	if err != nil {
		return p, usage("device.unlock.key_file: %v", err)
	}
	for _, have := range p.Pins {
		if bytes.Equal(have, pin) {
			return p, nil
		}
	}
	return p, usage("device.unlock.key_file: its public half is not in %s, so it would open no device", u.PinsFile)
}

// readPins reads PEM public keys. A private key among them was put there by mistake and is not looked at.
func readPins(path string) (pins [][]byte, err error) {
	text, err := readSmall(path)
	if err != nil {
		return nil, err
	}
	for rest := text; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "PUBLIC KEY" {
			return nil, fmt.Errorf("%s: want PUBLIC KEY blocks alone, found %s", path, plain(block.Type))
		}
		key, err := x509.ParsePKIXPublicKey(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("%s: key %d: %w", path, len(pins)+1, err)
		}
		pin, err := serialproto.UnlockPin(key)
		if err != nil {
			return nil, fmt.Errorf("%s: key %d: %w", path, len(pins)+1, err)
		}
		pins = append(pins, pin)
	}
	if len(pins) == 0 || len(pins) > serialproto.MaxPins {
		return nil, fmt.Errorf("%s: %d public keys, want 1 to %d", path, len(pins), serialproto.MaxPins)
	}
	return pins, nil
}

// readUnlockKey reads the private key. Nothing of its text gets into an error.
func readUnlockKey(u config.Unlock) (crypto.Signer, error) {
	text, err := readSmall(u.KeyFile)
	if err != nil {
		return nil, err
	}
	var opts []pemutil.Options
	if read := secretPlace(u.PasswordFile, u.PasswordEnv); read != nil {
		password, err := read()
		if err != nil {
			return nil, err
		}
		opts = append(opts, pemutil.WithPassword(password.Reveal()))
	} else {
		opts = append(opts, pemutil.WithPasswordPrompt("", func(string) ([]byte, error) {
			return nil, errors.New("it is encrypted: name its password in password_file or password_env")
		}))
	}
	key, err := pemutil.Parse(text, opts...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", u.KeyFile, err)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("%s: not a private key", u.KeyFile)
	}
	return signer, nil
}

func readSmall(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxKeyFile+1))
	if err == nil && len(text) > maxKeyFile {
		err = fmt.Errorf("%s: more than %d bytes", path, maxKeyFile)
	}
	return text, err
}
