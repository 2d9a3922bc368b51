/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON objects, made member by member and printed.
 */
#ifndef FSCK_JSON_H
#define FSCK_JSON_H

#include <json-c/json.h>

#include "reporter.h"

/** An object under construction. A failed allocation is remembered; it is not used then. */
struct ovl_json {
	struct json_object *json;
	bool failed;
};

/** ovl_json_object - a new, empty object; ovl_json_drop() it, or hand on its json */
struct ovl_json ovl_json_object(void);
void ovl_json_drop(struct ovl_json *o);

/** ovl_json_add - add @value, which is taken, under @key; NULL stands for a failed allocation */
void ovl_json_add(struct ovl_json *o, const char *key, struct json_object *value);
void ovl_json_add_null(struct ovl_json *o, const char *key);
void ovl_json_add_number(struct ovl_json *o, const char *key, uint64_t n);
void ovl_json_add_bool(struct ovl_json *o, const char *key, bool value);
/** ovl_json_add_text - a string that is UTF-8 already, or nearly; NULL becomes null */
void ovl_json_add_text(struct ovl_json *o, const char *key, const char *text);
/** ovl_json_add_name - a file name, raw bytes; under @key_hex as well if it is not UTF-8 */
void ovl_json_add_name(struct ovl_json *o, const char *key, const char *key_hex, const char *name);
/** ovl_json_add_place - the members layer and path */
void ovl_json_add_place(struct ovl_json *o, const struct ovl_stack *stack, struct ovl_loc loc);
/** ovl_json_add_id - the members id and slug */
void ovl_json_add_id(struct ovl_json *o, const struct ovl_problem *p);

/** ovl_json_print_value - print any value; 0 or -ENOMEM */
int ovl_json_print_value(FILE *out, struct json_object *value);
/** ovl_json_print - print an object; 0, or -ENOMEM if an allocation has failed */
int ovl_json_print(FILE *out, const struct ovl_json *o);
/** ovl_json_print_member - the same, behind @before and its key */
int ovl_json_print_member(FILE *out, const char *before, const char *key, const struct ovl_json *o);

/** ovl_json_open - begin a document, which may be one of the array of -A */
void ovl_json_open(const struct ovl_reporting *r);
/** ovl_json_print_overlay - the member that all documents about layers have; 0 or -ENOMEM */
int ovl_json_print_overlay(struct ovl_reporting *r);

#endif
