/* The compiler's output for looking at or linking elsewhere. It may be for a CPU that this one is not. */
#include "context.h"

#include "../src/status.h"

static cj_status check(const cj_emit_options *options, void **bytes, const size_t *size)
{
    if (!bytes || !size)
        return fail(CJ_INVALID, "%s is NULL", bytes ? "size" : "bytes");
    *bytes = NULL;
    if (options && ((int)options->format < CJ_FORMAT_IR || (int)options->format > CJ_FORMAT_OBJECT))
        return fail(CJ_INVALID, "options.format is %d; it must be a CJ_FORMAT_ constant", (int)options->format);
    return CJ_OK;
}

cj_status cj_emit(cj_context *context, const cj_conv_desc *desc, const cj_emit_options *options, void **bytes,
                  size_t *size)
{
    static const cj_emit_options defaults = {0};
    TRY(check(options, bytes, size));
    options = options ? options : &defaults;
    struct request request;
    struct plan plan;
    TRY(request_from_desc(context, desc, FOR_LOOKING, &request));
    TRY(request_plan(context, &request, &plan));
    const struct plugin *plugin;
    TRY(door_open(&context->door, &plugin));
    char sentence[PLUGIN_ERROR_SIZE];
    cj_status status = plugin->emit(
        &(struct plugin_request){&plan, options->format, options->cpu, options->triple}, bytes, size, sentence);
    return status == CJ_OK ? CJ_OK : fail(status, "%s", sentence);
}
