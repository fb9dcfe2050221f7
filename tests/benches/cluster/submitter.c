/*
 * Submits held jobs through libslurm, as fast as slurmctld answers.
 *
 * usage: submitter NAME COUNT UID...
 *
 * One process per uid submits COUNT jobs; all begin together. Prints the nanoseconds from the beginning to the last
 * answer, how many were accepted and refused, and median, 99 % and the slowest of the answers' times in nanoseconds.
 */
#include <slurm/slurm.h>
#include <slurm/slurm_errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static uint64_t now(void)
{
	struct timespec at;
	clock_gettime(CLOCK_MONOTONIC, &at);
	return (uint64_t)at.tv_sec * 1000000000 + at.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

/* Submits `count` jobs and notes each answer's time; those refused are noted as 0. */
static void submit(const char *name, long count, uid_t uid, int begin, uint64_t *times)
{
	static char *environment[] = { "PATH=/usr/bin:/bin", NULL };
	char go;

	if (setgid(uid) || setuid(uid))
		_exit(1);
	slurm_init(NULL);
	if (read(begin, &go, 1) < 0)
		_exit(1);
	for (long n = 0; n < count; n++) {
		job_desc_msg_t job;
		submit_response_msg_t *answer = NULL;
		uint64_t start;
		int rc;

		slurm_init_job_desc_msg(&job);
		job.name = (char *)name;
		job.user_id = uid;
		job.group_id = uid;
		job.priority = 0;
		job.min_cpus = 1;
		job.time_limit = 5;
		job.work_dir = "/tmp";
		job.std_out = job.std_err = "/dev/null";
		job.script = "#!/bin/sh\ntrue\n";
		job.environment = environment;
		job.env_size = 1;
		start = now();
		rc = slurm_submit_batch_job(&job, &answer);
		times[n] = rc == SLURM_SUCCESS ? now() - start : 0;
		if (rc != SLURM_SUCCESS && n == 0)
			fprintf(stderr, "uid %u: %s\n", uid, slurm_strerror(errno));
		if (answer)
			slurm_free_submit_response_response_msg(answer);
	}
	_exit(0);
}

int main(int argc, char **argv)
{
	long count = argc > 3 ? atol(argv[2]) : 0, processes = argc - 3, total = count * processes, refused = 0;
	int begin[2], failed = 0, status;
	uint64_t *times, start, end;

	if (count < 1 || pipe(begin))
		return 2;
	times = mmap(NULL, total * sizeof *times, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (times == MAP_FAILED)
		return 2;
	for (long n = 0; n < processes; n++)
		if (fork() == 0) {
			close(begin[1]);
			submit(argv[1], count, atol(argv[3 + n]), begin[0], times + n * count);
		}
	close(begin[0]);
	sleep(1);
	start = now();
	close(begin[1]);
	while (wait(&status) > 0)
		failed |= status;
	end = now();
	qsort(times, total, sizeof *times, ascending);
	while (refused < total && !times[refused])
		refused++;
	if (failed || refused == total)
		return 1;
	times += refused;
	total -= refused;
	printf("%lu %ld %ld %lu %lu %lu\n", (unsigned long)(end - start), total, refused, (unsigned long)times[total / 2],
	       (unsigned long)times[total * 99 / 100], (unsigned long)times[total - 1]);
	return 0;
}
