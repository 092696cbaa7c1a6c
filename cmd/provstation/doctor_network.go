package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"syscall"
)

// networkFix says how to mend what keeps a server from being reached or believed; empty if the error is of another kind.
// setting is the key of its address, name the key of the name in its certificate.
func networkFix(err error, setting, name string) string {
	var (
		dns       *net.DNSError
		authority x509.UnknownAuthorityError
		host      x509.HostnameError
		invalid   x509.CertificateInvalidError
		record    tls.RecordHeaderError
	)
	switch {
	case err == nil:
		return ""
	case errors.As(err, &dns) && dns.IsNotFound:
		return "the name does not exist: check " + setting + " for a typing error, and that this station asks the tenant's name server"
	case errors.As(err, &dns):
		return "the name server does not answer: check the network cable and /etc/resolv.conf"
	case errors.As(err, &host):
		return "its certificate is for another name: set " + name + " to a name in it, or correct " + setting
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "its certificate is not valid now: check this station's clock, else have the server's certificate renewed"
	case errors.As(err, &authority), errors.As(err, &invalid):
		return "its certificate does not chain to the root that this station trusts: check that " + setting + " is the tenant's server and that the trust settings name the tenant's root"
	case errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch):
		return "no TLS is spoken there: check scheme and port in " + setting
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nothing listens there: check that the server runs, and host and port in " + setting
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "there is no route to it: check network cable, address, gateway and VPN of this station"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), timedOut(err):
		return "it does not answer: check cable, firewall and VPN, and whether the server is up"
	default:
		return ""
	}
}

func timedOut(err error) bool {
	var t net.Error
	return errors.As(err, &t) && t.Timeout()
}

func sortedNames[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// shellWord quotes a path for a command that a person copies.
func shellWord(s string) string {
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:@%+=", r)
	}) {
		return s
	}
	return fmt.Sprintf("'%s'", strings.ReplaceAll(s, "'", `'\''`))
}
