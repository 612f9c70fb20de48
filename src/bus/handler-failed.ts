/** What a handler's failing is published as. Handlers of it that fail are not published again. */
export const HANDLER_FAILED = 'handler.failed'
