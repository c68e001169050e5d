import { Console, Context, Data, Effect, Layer } from "effect"

/** The mail server takes no mails now: it may take them later. */
export class MailServerBusy extends Data.TaggedError("MailServerBusy") {}

/** There is no such address, and there will be none. */
export class NoSuchAddress extends Data.TaggedError("NoSuchAddress")<{ readonly to: string }> {}

export class Mailer extends Context.Tag("Mailer")<
  Mailer,
  { readonly send: (to: string, subject: string) => Effect.Effect<void, MailServerBusy | NoSuchAddress> }
>() {}

/** It prints mails, until there is a mail server. */
export const PrintingMailer = Layer.succeed(Mailer, {
  send: (to, subject) =>
    to.includes("@") ? Console.log(`to ${to}: ${subject}`) : Effect.fail(new NoSuchAddress({ to }))
})
