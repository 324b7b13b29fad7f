// Command kstatus prints what kstatus, by which Flux waits for objects, says of each object on its standard input, which has one in
// JSON on each line: the name of the object, its status, and the message. hack/gitops/check.sh runs it.
package main

import (
	"bufio"
	"fmt"
	"log"
	"os"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func main() {
	log.SetFlags(0)
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		object := &unstructured.Unstructured{}
		// It reads numbers as the clients of Kubernetes do: kstatus takes no others for a generation.
		if err := object.UnmarshalJSON(lines.Bytes()); err != nil {
			log.Fatal(err)
		}
		found, err := status.Compute(object)
		if err != nil {
			log.Fatalf("%s: %v", object.GetName(), err)
		}
		fmt.Printf("%s\t%s\t%s\n", object.GetName(), found.Status, found.Message)
	}
	if err := lines.Err(); err != nil {
		log.Fatal(err)
	}
}
