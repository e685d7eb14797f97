/* Times plain MPI_Allreduce. The arguments are sizes in bytes; the first rank writes {"BYTES": ms} for all of them. */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

static int compare(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

int main(int count, char **arguments) {
  int rank;
  MPI_Init(&count, &arguments);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  if (rank == 0) printf("{");
  for (int i = 1; i < count; i++) {
    const long bytes = atol(arguments[i]);
    const int floats = (int)(bytes / 4), runs = bytes > 10000000 ? 8 : 60;
    float *values = malloc(bytes);
    double times[60];
    for (int j = 0; j < floats; j++) values[j] = 1;
    for (int j = 0; j < runs; j++) {
      const double begin = MPI_Wtime();
      MPI_Allreduce(MPI_IN_PLACE, values, floats, MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD);
      times[j] = MPI_Wtime() - begin;
    }
    qsort(times + 2, runs - 2, sizeof(double), compare);
    if (rank == 0) printf("%s\"%ld\": %.6f", i > 1 ? ", " : "", bytes, times[2 + (runs - 2) / 2] * 1000);
    free(values);
  }
  if (rank == 0) printf("}\n");
  MPI_Finalize();
  return 0;
}
