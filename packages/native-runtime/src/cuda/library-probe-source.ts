/**
 * A program that opens shared libraries by name and says for each where it was found, or why not.
 *
 * Arguments: TensorFlow's library, or `-`; then names. With a library, names are opened by TensorFlow itself through its
 * C API, for a loader looks into the folders of the library that asks; with `-`, by the program. Each is opened in a
 * process of its own, so that one that crashes or has opened another says nothing about the rest. Prints
 * `NAME<tab>opened<tab>PATH` or `NAME<tab>failed<tab>REASON` per line.
 */
export const LIBRARY_PROBE_SOURCE = `
#define _GNU_SOURCE
#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void *(*load_library)(const char *, void *) = NULL;
static void *(*new_status)(void) = NULL;
static int (*get_code)(const void *) = NULL;
static const char *(*get_message)(const void *) = NULL;

static int use_tensorflow(const char *path) {
  void *tensorflow = dlopen(path, RTLD_NOW);
  if (tensorflow == NULL) {
    fprintf(stderr, "%s\\n", dlerror());
    return 0;
  }
  *(void **)&load_library = dlsym(tensorflow, "TF_LoadLibrary");
  *(void **)&new_status = dlsym(tensorflow, "TF_NewStatus");
  *(void **)&get_code = dlsym(tensorflow, "TF_GetCode");
  *(void **)&get_message = dlsym(tensorflow, "TF_Message");
  if (load_library != NULL && new_status != NULL && get_code != NULL && get_message != NULL) return 1;
  fprintf(stderr, "%s lacks the C API\\n", path);
  return 0;
}

static void open_and_tell(const char *name) {
  const char *problem = NULL;
  void *handle = NULL;
  struct link_map *map = NULL;
  if (load_library != NULL) {
    void *status = new_status();
    load_library(name, status);
    if (get_code(status) != 0) problem = get_message(status);
    else handle = dlopen(name, RTLD_NOW | RTLD_NOLOAD);
  } else {
    handle = dlopen(name, RTLD_NOW);
    if (handle == NULL) problem = dlerror();
  }
  if (handle != NULL) dlinfo(handle, RTLD_DI_LINKMAP, &map);
  printf("%s\\t%s\\t%s\\n", name, problem == NULL ? "opened" : "failed",
         problem != NULL ? problem : map != NULL ? map->l_name : "");
}

int main(int argc, char **argv) {
  if (argc < 2) return 2;
  if (strcmp(argv[1], "-") != 0 && !use_tensorflow(argv[1])) return 3;
  for (int i = 2; i < argc; i++) {
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
      open_and_tell(argv[i]);
      fflush(stdout);
      _exit(0);
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) < 0) return 4;
    if (WIFSIGNALED(status)) printf("%s\\tfailed\\topening it ends the process with signal %d\\n", argv[i], WTERMSIG(status));
    else if (WEXITSTATUS(status) != 0) printf("%s\\tfailed\\topening it ends the process\\n", argv[i]);
  }
  return 0;
}
`;
