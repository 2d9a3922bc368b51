/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One face for the results of a check and of a repair.
 */
#include "results.h"

size_t ovl_results_len(const struct ovl_results *results)
{
	return results->repairs ? ovl_repairs_len(results->repairs) :
				  ovl_report_len(results->report);
}

struct ovl_result ovl_results_get(const struct ovl_results *results, size_t i)
{
	if (results->repairs)
		return ovl_repairs_get(results->repairs, i);
	return (struct ovl_result){ .finding = ovl_report_get(results->report, i),
				    .fate = OVL_FATE_LEFT };
}

const struct ovl_counts *ovl_results_counts(const struct ovl_results *results)
{
	return results->repairs ? ovl_repairs_counts(results->repairs) :
				  ovl_report_counts(results->report);
}

const struct ovl_counts *ovl_results_layer_counts(const struct ovl_results *results, int layer)
{
	return results->repairs ? ovl_repairs_layer_counts(results->repairs, layer) :
				  ovl_report_layer_counts(results->report, layer);
}
