package main

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"sync"
)

// One JSON object a line, written whole.
type lines struct {
	mutex sync.Mutex
	out   io.Writer
}

func newLines(out io.Writer) *lines {
	return &lines{out: out}
}

func (l *lines) write(value any) {
	text, err := json.Marshal(value)
	if err != nil {
		log.Fatal(err)
	}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if _, err := l.out.Write(append(text, '\n')); err != nil {
		log.Fatal(err)
	}
}

func (l *lines) event(name string, fields map[string]any) {
	fields["event"] = name
	l.write(fields)
}

// Answers calls, each on its own, until the input ends.
func (l *lines) serve(in io.Reader, call func(method string, params params) (any, error)) {
	decoder := json.NewDecoder(in)
	for {
		var request params
		if err := decoder.Decode(&request); err != nil {
			if err != io.EOF {
				log.Print(err)
			}
			return
		}
		go func() {
			result, err := call(request.text("method"), request)
			if err != nil {
				l.write(map[string]any{"id": request["id"], "error": err.Error()})
				return
			}
			l.write(map[string]any{"id": request["id"], "result": result})
		}()
	}
}

// The fields of a call. A field that is absent is empty.
type params map[string]any

func (p params) text(name string) string {
	text, _ := p[name].(string)
	return text
}

func (p params) yes(name string) bool {
	yes, _ := p[name].(bool)
	return yes
}

func (p params) number(name string) uint64 {
	number, _ := p[name].(float64)
	return uint64(number)
}

func (p params) texts(name string) []string {
	list, _ := p[name].([]any)
	texts := make([]string, 0, len(list))
	for _, one := range list {
		texts = append(texts, fmt.Sprint(one))
	}
	return texts
}

func (p params) bytes(name string) ([]byte, error) {
	return hex.DecodeString(p.text(name))
}
