//go:build linux

package vm

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// libraryFolders is where the dynamic loader of a Debian system looks.
func libraryFolders() []string {
	return []string{
		"/usr/lib/x86_64-linux-gnu", "/lib/x86_64-linux-gnu", "/usr/local/lib", "/usr/lib", "/lib", "/usr/lib64", "/lib64",
		"/usr/lib/x86_64-linux-gnu/systemd", "/lib/systemd",
	}
}

// libraries are the loader and the shared libraries of a program of this machine, those of the libraries included; none
// where it is linked statically.
func libraries(program string) ([]string, error) {
	var out []string
	seen := map[string]bool{}
	var walk func(path string) error
	walk = func(path string) error {
		f, err := elf.Open(path)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		defer f.Close()
		if interp := section(f, ".interp"); interp != "" && !seen[interp] {
			seen[interp] = true
			out = append(out, interp)
		}
		needed, err := f.ImportedLibraries()
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		folders := libraryFolders()
		if run, err := f.DynString(elf.DT_RUNPATH); err == nil && len(run) == 1 {
			origin := strings.NewReplacer("$ORIGIN", filepath.Dir(path), "${ORIGIN}", filepath.Dir(path))
			folders = append(strings.Split(origin.Replace(run[0]), ":"), folders...)
		}
		for _, name := range needed {
			lib, err := findLibrary(name, folders)
			if err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			if seen[lib] {
				continue
			}
			seen[lib] = true
			out = append(out, lib)
			if err := walk(lib); err != nil {
				return err
			}
		}
		return nil
	}
	return out, walk(program)
}

func findLibrary(name string, folders []string) (string, error) {
	for _, dir := range folders {
		path := filepath.Join(dir, name)
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("library %s is not there", name)
}

func section(f *elf.File, name string) string {
	s := f.Section(name)
	if s == nil {
		return ""
	}
	data, err := s.Data()
	if err != nil {
		return ""
	}
	return string(bytes.TrimRight(data, "\x00"))
}

// moduleDepends reads which modules a kernel module needs: what depmod would write down, from the module itself.
func moduleDepends(path string) ([]string, error) {
	f, err := elf.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	defer f.Close()
	for field := range strings.SplitSeq(section(f, ".modinfo"), "\x00") {
		if list, ok := strings.CutPrefix(field, "depends="); ok && list != "" {
			return strings.Split(list, ","), nil
		}
	}
	return nil, nil
}

// modules finds modules below a folder by name, each after those that it needs. A name that the kernel has built in is left
// out.
func modules(root string, builtin map[string]bool, names []string) ([]string, error) {
	files := map[string]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".ko") {
			files[moduleName(path)] = path
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	var out []string
	seen := map[string]bool{}
	var add func(name string) error
	add = func(name string) error {
		name = moduleName(name)
		if seen[name] || builtin[name] {
			return nil
		}
		seen[name] = true
		path, ok := files[name]
		if !ok {
			return fmt.Errorf("no module %s in %s", name, root)
		}
		needs, err := moduleDepends(path)
		if err != nil {
			return err
		}
		for _, n := range needs {
			if err := add(n); err != nil {
				return err
			}
		}
		out = append(out, path)
		return nil
	}
	for _, n := range names {
		if err := add(n); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// moduleName is how the kernel calls a module: files have a dash where it may have an underscore.
func moduleName(path string) string {
	return strings.ReplaceAll(strings.TrimSuffix(filepath.Base(path), ".ko"), "-", "_")
}

// builtins are the modules that a kernel has built in.
func builtins(modulesBuiltin string) (map[string]bool, error) {
	text, err := os.ReadFile(modulesBuiltin)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	out := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		out[moduleName(strings.TrimSpace(line))] = true
	}
	return out, nil
}
