// The `users` collection, as LetsApp's server writes it.
import { buildSchema, index, modelOptions, prop } from "@typegoose/typegoose";
import { Types, type Connection, type Model } from "mongoose";

@index({ username: 1 }, { unique: true })
@index({ email: 1 }, { unique: true })
@modelOptions({
  schemaOptions: { collection: "users", versionKey: false, autoIndex: false, autoCreate: false },
})
export class UserRecord {
  readonly _id!: Types.ObjectId;

  @prop({ type: () => String, required: true })
  username!: string;

  /** In lower case. */
  @prop({ type: () => String, required: true })
  email!: string;

  /** A bcrypt hash. A Python driver may have stored it as bytes instead of text. */
  @prop({ type: () => String, required: true })
  password!: string | { toString(encoding: "utf8"): string };

  /** The id of the current media, or null. */
  @prop({ type: () => Types.ObjectId, default: null })
  profile_picture?: Types.ObjectId | null;

  @prop({ type: () => Date, required: true })
  created_at!: Date;

  @prop({ type: () => Date, required: true })
  updated_at!: Date;

  @prop({ type: () => Boolean, default: true })
  is_active?: boolean;
}

/** The connection's own model. Typegoose's `getModelForClass` would share one model among all connections. */
export function userModel(connection: Connection): Model<UserRecord> {
  const { [UserRecord.name]: known } = connection.models;
  return (known ??
    connection.model(UserRecord.name, buildSchema(UserRecord))) as unknown as Model<UserRecord>;
}
