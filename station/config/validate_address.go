package config

import (
	"net"
	"net/url"
	"strconv"
	"strings"
)

// onServer reports whether the ledger is in a database on a server.
func (l Ledger) onServer() bool {
	return strings.HasPrefix(l.URL, "postgres://") || strings.HasPrefix(l.URL, "postgresql://")
}

// postgres judges the address of a database. Its text is never repeated: it may hold a password.
func (v check) postgres(text string) {
	const key = "ledger.url"
	u, err := url.Parse(text)
	if err != nil || u.Fragment != "" {
		v.bad(key, "want postgres://USER@HOST/DATABASE, and %%XX for a character that an address cannot hold")
		return
	}
	q := u.Query()
	_, password := u.User.Password()
	host := u.Hostname()
	if host == "" {
		host = q.Get("host")
	}
	switch mode := q.Get("sslmode"); {
	case password, q.Has("password"), q.Has("sslpassword"):
		v.bad(key, "a password must not stand in it: put it into a file and name the file in ledger.password_file, "+
			"or name an environment variable in ledger.password_env")
	case host == "":
		v.bad(key, "names no server: want postgres://USER@HOST/DATABASE")
	case u.User.Username() == "" && q.Get("user") == "":
		v.bad(key, "names no user: want postgres://USER@HOST/DATABASE")
	case strings.Trim(u.Path, "/") == "" && q.Get("dbname") == "" && q.Get("database") == "":
		v.bad(key, "names no database: want postgres://USER@HOST/DATABASE")
	case mode != "" && !contains([]string{"verify-full", "verify-ca", "require", "disable"}, mode):
		// prefer and allow go without TLS where the server has none, and tell nobody.
		v.bad(key, "sslmode: want verify-full (which it is without one, but on this machine), verify-ca, require or disable")
	}
}

// url judges an address of a server and returns it if it is one. Its text is never repeated: it may hold a password.
func (v check) url(key, text string) *url.URL {
	u, err := url.Parse(text)
	switch {
	case err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" || u.Opaque != "":
		v.bad(key, "want an address such as https://tenant.example.com/api")
	case u.User != nil:
		where := "see bridge.auth"
		if strings.HasPrefix(key, "tenant.") {
			where = "see username and password_file beside it"
		}
		v.bad(key, "a user name or password must not stand in an address; %s", where)
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		v.bad(key, "want an address without ? and #")
	case u.Port() != "" && !validPort(u.Port()):
		v.bad(key, "the port is not one")
	case !validHost(u.Hostname()):
		v.bad(key, "the host's name is not one")
	default:
		return u
	}
	return nil
}

func (v check) host(key, host string) {
	if host != "" && !validHost(host) {
		v.bad(key, "want a host name or an IP address alone, got %q", clip(host))
	}
}

func validHost(h string) bool {
	return net.ParseIP(h) != nil || len(h) <= 253 && hostPattern.MatchString(h)
}

func validPort(p string) bool {
	n, err := strconv.Atoi(p)
	return err == nil && n >= 1 && n <= 65535
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
