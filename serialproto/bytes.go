package serialproto

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// checkBytes refuses an array of numbers where a message type has bytes: the CBOR library would take both, sp1.cddl takes a
// byte string alone. data passed checkStrict; what does not fit typ otherwise is left to the library.
func checkBytes(data []byte, typ reflect.Type) error {
	_, pairs, rest, err := head(data)
	for i := uint64(0); i < pairs && err == nil; i++ {
		var major byte
		var key uint64
		if major, key, rest, err = head(rest); err != nil {
			return err
		}
		if f := keyed(typ, key); f != nil && major == majorUint {
			if err := bytesWhere(rest, f); err != nil {
				return fmt.Errorf("%w under key %d", err, key)
			}
		}
		rest, err = walk(rest, 2)
	}
	return err
}

// keyed is the type of the field under a key, nil where there is none.
func keyed(typ reflect.Type, key uint64) reflect.Type {
	for i := range typ.NumField() {
		f := typ.Field(i)
		if number, _, _ := strings.Cut(f.Tag.Get("cbor"), ","); number == strconv.FormatUint(key, 10) {
			return f.Type
		}
	}
	return nil
}

// bytesWhere checks one value: bytes, a list of them, or a map of them.
func bytesWhere(value []byte, typ reflect.Type) error {
	if typ.Kind() == reflect.Slice && typ.Elem().Kind() == reflect.Uint8 {
		if value[0]>>5 == majorArray {
			return fmt.Errorf("%w: an array where bytes belong", ErrMalformed)
		}
		return nil
	}
	major, n, rest, err := head(value)
	if err != nil {
		return err
	}
	if typ == reflect.TypeFor[Object]() && major == majorArray && n == 3 { // length, digest, received
		if rest, err = walk(rest, 2); err != nil {
			return err
		}
		return bytesWhere(rest, reflect.TypeFor[[]byte]())
	}
	list := typ.Kind() == reflect.Slice && major == majorArray
	pairs := typ.Kind() == reflect.Map && major == majorMap
	for i := uint64(0); i < n && (list || pairs); i++ {
		if pairs {
			if _, _, rest, err = head(rest); err != nil {
				return err
			}
		}
		if err := bytesWhere(rest, typ.Elem()); err != nil {
			return err
		}
		if rest, err = walk(rest, 2); err != nil {
			return err
		}
	}
	return nil
}
