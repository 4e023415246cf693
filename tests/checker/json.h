/* JSON as `convjit bench --json` promises it. */
#ifndef CONVJIT_CHECKER_JSON_H
#define CONVJIT_CHECKER_JSON_H

/* 0 if the file is JSON, has the promised fields with the promised types, and its times and speeds are above 0
 * and agree with each other; else 1, with a sentence on standard error. Prints the results' names, a line each.
 */
int json_check(const char *path);

#endif
